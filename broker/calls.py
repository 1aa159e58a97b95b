"""The caller's side of a call: choose a node and ask it; where that is harmless, ask another if it fails or is slow."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson
from pydantic import BaseModel

from broker.clock import Clock
from broker.discovery.registry import CACHED_NAMES_MAX, Endpoint, Registry
from broker.observe.metrics import CANCELLED, OK, Metrics
from broker.observe.quantile import RecentQuantile
from broker.observe.tally import UNKNOWN_ACTION, Tally
from broker.pending import Waiting
from broker.policies.call_policy import DEFAULT, CallPolicy
from broker.policies.deadline import Deadline
from broker.policies.ejection import Ejections
from broker.policies.hedging import HEDGED_SHARE, first_answer, slow_after_seconds
from broker.policies.idempotency import KEY_HEADER
from broker.policies.retry import RetryBudget, attempt_seconds, is_free, is_own_failure, may_repeat
from broker.reconnection import Reconnection
from broker.refusals import Late, NotServed
from broker.remote import Remote, checked_answer
from broker.strategies.outcome import Outcome, outcome_of
from broker.strategies.strategy import Score, Strategy
from broker.wire.load import Load
from broker.wire.packets import NO_HEADERS, Response
from schema.action import Action
from schema.errors import Internal, MeshError

LEVEL_MAX: Final = 32
"""Calls nest this deep at most: beyond it, services call each other in a circle."""


class Call(NamedTuple):
    action: str
    contract: Action[Any, Any] | None
    """None: an untyped call, of plain JSON values."""
    request: Any
    meta: dict[str, Any]
    """What the callee sets is merged into it."""
    deadline: Deadline
    id: str
    request_id: str
    level: int = 1
    parent_id: str | None = None
    caller: str | None = None
    headers: Mapping[str, Any] = NO_HEADERS
    node: str | None = None
    """The only node that may be asked; None: whichever is best."""
    stream: AsyncIterable[Any] | None = None
    """Goes along with the request. It can be read once, so such a call is made once."""
    policy: CallPolicy = DEFAULT

    @property
    def params(self) -> bytes:
        """As JSON. Raises `TypeError` for values that JSON does not have."""
        request = self.request
        return (
            request.__pydantic_serializer__.to_json(request)
            if isinstance(request, BaseModel)
            else orjson.dumps(request)
        )

    def until(self, at_seconds: float) -> Call:
        if at_seconds == self.deadline.at_seconds:
            return self
        return self._replace(deadline=Deadline(at_seconds, self.deadline.clock))


class _Seen:
    """What this caller has seen of an action."""

    __slots__ = ("by_stream", "seconds", "tally")

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.seconds = RecentQuantile(HEDGED_SHARE)
        self.by_stream = False
        """It answers with a stream. Such calls are not hedged: the second stream would come in for nothing."""


class Caller:
    def __init__(
        self,
        *,
        remote: Remote,
        registry: Registry,
        strategy: Strategy,
        ejections: Ejections,
        budget: RetryBudget,
        reconnection: Reconnection,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._remote = remote
        self._reconnection = reconnection
        self._registry = registry
        self._strategy = strategy
        self._ejections = ejections
        self._budget = budget
        self._metrics = metrics
        self._now = clock.now
        self.local: Callable[[Call], Awaitable[Any]] = _not_here
        """Serves the calls for which this node is chosen."""
        self._seen: dict[str, _Seen] = {}
        self._unknown = _Seen(metrics.calls.of(UNKNOWN_ACTION))

    def keyed(self, action: str, contract: Action[Any, Any] | None) -> bool:
        """Whether a call of it is to carry an idempotency key."""
        if contract is not None:
            return contract.keyed and not contract.safe
        return any(endpoint.keyed and not endpoint.safe for endpoint in self._registry.endpoints(action))

    def called(self) -> list[Sequence[Endpoint]]:
        """The nodes of each action that this node calls."""
        return [self._registry.endpoints(action) for action in self._seen]

    def probes_wanted(self) -> list[str]:
        """The nodes that are better pinged, so that the next call goes to the right one."""
        return [node for candidates in self.called() for node in self._strategy.probes_wanted(candidates)]

    def explain(self, action: str) -> Sequence[Score]:
        """Nothing of an action that this node does not call."""
        return self._strategy.explain(self._registry.endpoints(action)) if action in self._seen else ()

    async def call(self, call: Call) -> Any:
        """One node after another, until there is an answer or no reason to ask on."""
        if call.level > LEVEL_MAX:
            raise Internal(f"calls nest deeper than {LEVEL_MAX}")
        seen = self._seen.get(call.action) or self._first_seen(call.action)
        began_at_seconds = now_seconds = self._now()
        self._budget.note_call()
        tried: set[str] = set()
        keyed = KEY_HEADER in call.headers
        attempts, failure, code = 0, None, CANCELLED
        try:
            while endpoint := self._choose(call, tried):
                keyed = keyed and endpoint.keyed
                harmless = keyed or _is_safe(call, endpoint)
                if failure is not None:
                    if not self._may_repeat(call, attempts, failure, harmless=harmless):
                        break
                    now_seconds = self._now()
                try:
                    answer = await self._attempt(endpoint, call, seen, tried, now_seconds, harmless=harmless)
                except MeshError as error:
                    failure = error
                    attempts += not is_free(error)
                    if is_own_failure(error) and await self._reconnection.awaited(call.deadline.at_seconds):
                        tried.clear()  # it was no node's fault that none answered
                    else:
                        tried.add(endpoint.node)
                else:
                    code = OK
                    return answer
            failure = failure or NotServed(_nobody(call))
            code = failure.code
            raise failure
        finally:
            seen.tally.note(code, self._now() - began_at_seconds)

    def _first_seen(self, action: str) -> _Seen:
        """Only of what somebody serves: callers choose names."""
        if not self._registry.endpoints(action) or len(self._seen) >= CACHED_NAMES_MAX:
            return self._unknown
        seen = self._seen[action] = _Seen(self._metrics.calls.of(action))
        return seen

    # --- which of the nodes --------------------------------------------------------------------------------------

    def _choose(self, call: Call, tried: set[str]) -> Endpoint | None:
        candidates = self._registry.endpoints(call.action)
        if len(candidates) == 1 and not tried and call.node is None:
            return candidates[0]
        if tried:
            candidates = tuple(endpoint for endpoint in candidates if endpoint.node not in tried)
        if call.node is not None:
            candidates = tuple(endpoint for endpoint in candidates if endpoint.node == call.node)
        if len(candidates) < 2:
            return candidates[0] if candidates else None
        return self._strategy.choose(candidates, self._ejections.avoided())

    def _may_repeat(self, call: Call, attempts: int, failure: MeshError, *, harmless: bool) -> bool:
        if call.stream is not None or call.deadline.passed:
            return False
        if not may_repeat(failure, harmless=harmless, outermost=call.level == 1):
            return False
        if attempts >= call.policy.attempts_max or (not is_free(failure) and not self._budget.spend()):
            return False
        self._metrics.repeat(call.action, failure.code)
        return True

    # --- one of them ----------------------------------------------------------------------------------------

    def _attempt(
        self, endpoint: Endpoint, call: Call, seen: _Seen, tried: set[str], now: float, *, harmless: bool
    ) -> Coroutine[Any, Any, Any]:
        """A call that can be repeated leaves time for it."""
        until_seconds, slow_at_seconds = call.deadline.at_seconds, None
        if now >= until_seconds:
            raise Late("the deadline had passed before the call was made")
        known = self._registry.endpoints(call.action)
        compared = call.node is None and len(known) > 1
        if compared and harmless and call.level == 1 and _others(call, known, tried, endpoint):
            slow_at_seconds = self._slow_at_seconds(call, endpoint, seen, now)
            if call.policy.attempts_max > 1:
                usual_seconds = seen.seconds.value if _is_safe(call, endpoint) else None
                until_seconds = now + attempt_seconds(until_seconds - now, usual_seconds)
        if endpoint.local:
            return self._serve(endpoint, call.until(until_seconds), seen, now, compared)
        call_id = None if tried else call.id
        waiting = self._remote.open(endpoint.node, until_seconds, slow_at_seconds, call_id)
        return self._ask(endpoint, call, seen, tried, now, waiting, compared)

    async def _serve(self, endpoint: Endpoint, call: Call, seen: _Seen, now: float, compared: bool) -> Any:
        self._begin(endpoint, compared)
        outcome = Outcome.ABANDONED
        try:
            answer = await self.local(call)
            outcome = Outcome.ANSWERED
        except MeshError as error:
            outcome = self._failed(endpoint, error)
            raise
        finally:
            self._end(endpoint, seen, self._now() - now, outcome, None, compared)
        if compared:
            seen.seconds.note(self._now() - now)
        return answer

    async def _ask(
        self, endpoint: Endpoint, call: Call, seen: _Seen, tried: set[str], now: float, waiting: Waiting, compared: bool
    ) -> Any:
        self._begin(endpoint, compared)
        outcome, load = Outcome.ABANDONED, None
        try:
            if call.stream is not None:
                response = await self._remote.send_stream(waiting, call, call.stream)
            else:
                if (sending := self._remote.send(waiting, call)) is not None:
                    await sending
                response = await waiting.answer or await self._hedged(waiting, call, seen, tried, endpoint)
            if response.sender == endpoint.node:
                outcome, load = Outcome.ANSWERED, response.load
            answer = checked_answer(call.contract, response)
        except MeshError as error:
            outcome = self._failed(endpoint, error)
            raise
        finally:
            self._remote.close(waiting)
            self._end(endpoint, seen, self._now() - now, outcome, load, compared)
        if compared:  # with the wait for the first of two nodes: what is usual must not look faster for being hedged
            seen.seconds.note(self._now() - now)
        if response.meta:
            call.meta.update(response.meta)
        seen.by_stream = response.stream
        return answer

    def _begin(self, endpoint: Endpoint, compared: bool) -> None:
        """`compared`: there is another node to choose, so that it is worth knowing what becomes of this choice."""
        self._ejections.note_chosen(endpoint.node)
        if compared:
            self._strategy.started(endpoint)

    def _failed(self, endpoint: Endpoint, error: MeshError) -> Outcome:
        self._ejections.note_failure(endpoint.node, error)
        return outcome_of(error)

    def _end(
        self, endpoint: Endpoint, seen: _Seen, seconds: float, outcome: Outcome, load: Load | None, compared: bool
    ) -> None:
        if outcome is Outcome.ANSWERED:
            seen.tally.note_region(endpoint.region)
            self._ejections.note_success(endpoint.node)
        if compared:
            self._strategy.finished(endpoint, seconds, outcome, load)

    def _slow_at_seconds(self, call: Call, endpoint: Endpoint, seen: _Seen, now_seconds: float) -> float | None:
        """A key makes it harmless to repeat what failed, not to do it twice at a time."""
        if seen.by_stream or not _is_safe(call, endpoint):
            return None
        after_seconds = slow_after_seconds(call.policy, seen.seconds)
        return None if after_seconds is None else now_seconds + after_seconds

    async def _hedged(self, slow: Waiting, call: Call, seen: _Seen, tried: set[str], first: Endpoint) -> Response:
        """The first of two answers, if there is another node and the budget allows it."""
        self._remote.doubt()
        self._ejections.note_overdue(slow.node)
        self._strategy.overdue(first)
        other = self._choose(call, tried | {slow.node})
        if other is None or other.local or self._remote.full or not self._budget.spend():
            return await slow.last_answer()
        self._metrics.hedge(call.action)
        tried.add(other.node)
        failures: dict[str, MeshError] = {}
        began_at_seconds = self._now()
        second = self._remote.open(other.node, slow.until_seconds)
        self._begin(other, True)
        outcome, load = Outcome.ABANDONED, None
        try:
            await self._send_hedge(second, call)
            response = await first_answer(slow, second, failures)
            if response.sender == other.node:
                outcome, load = Outcome.ANSWERED, response.load
            return response
        finally:
            self._remote.close(second)
            if (failure := failures.get(other.node)) is not None:
                outcome = self._failed(other, failure)
            if (failure := failures.get(slow.node)) is not None and len(failures) == 1:
                self._failed(first, failure)
            self._end(other, seen, self._now() - began_at_seconds, outcome, load, True)

    async def _send_hedge(self, second: Waiting, call: Call) -> None:
        """What cannot be sent has failed at once; the first node may still answer."""
        try:
            if (sending := self._remote.send(second, call)) is not None:
                await sending
        except MeshError as error:
            second.fail(error)


def _others(call: Call, known: Sequence[Endpoint], tried: set[str], chosen: Endpoint) -> bool:
    """Whether another node could be asked as well."""
    if call.stream is not None:
        return False
    if not tried:
        return len(known) > 1
    return any(each.node != chosen.node and each.node not in tried for each in known)


def _is_safe(call: Call, endpoint: Endpoint) -> bool:
    return endpoint.safe if call.contract is None else call.contract.safe


async def _not_here(call: Call) -> Any:
    raise NotServed(f"{call.action} is not served here")


def _nobody(call: Call) -> str:
    return f"no node serves {call.action}" if call.node is None else f"{call.node} does not serve {call.action}"
