"""The caller's side of a call: choose a node and ask it; where that is harmless, ask another if it fails or is slow."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import orjson
from pydantic import BaseModel

from broker.clock import Clock
from broker.deadline import Deadline
from broker.ejection import Ejections
from broker.hedging import HEDGED_SHARE, first_answer, slow_after_seconds
from broker.idempotency import KEY_HEADER
from broker.metrics import CANCELLED, OK, Metrics
from broker.packets import NO_HEADERS, Response
from broker.pending import Waiting
from broker.policies import DEFAULT, CallPolicy
from broker.quantile import RecentQuantile
from broker.reconnection import Reconnection
from broker.refusals import Late, NotServed
from broker.registry import CACHED_NAMES_MAX, Endpoint, Registry
from broker.remote import Remote, checked_answer
from broker.retry import RetryBudget, attempt_seconds, is_free, is_own_failure, may_repeat
from broker.strategy import Strategy
from broker.tally import UNKNOWN_ACTION, Tally
from schema.action import Action
from schema.errors import Internal, MeshError

LEVEL_MAX = 32
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
    def params(self) -> Any:
        request = self.request
        if isinstance(request, BaseModel):
            return orjson.Fragment(request.__pydantic_serializer__.to_json(request))
        return request

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

    async def call(self, call: Call) -> Any:
        if call.level > LEVEL_MAX:
            raise Internal(f"calls nest deeper than {LEVEL_MAX}")
        seen = self._seen.get(call.action) or self._first_seen(call.action)
        started_at_seconds = self._now()
        code = CANCELLED
        try:
            answer = await self._until_answered(call, seen, started_at_seconds)
            code = OK
        except MeshError as error:
            code = error.code
            raise
        finally:
            seen.tally.note(code, self._now() - started_at_seconds)
        return answer

    def _first_seen(self, action: str) -> _Seen:
        """Only of what somebody serves: callers choose names."""
        if not self._registry.endpoints(action) or len(self._seen) >= CACHED_NAMES_MAX:
            return self._unknown
        seen = self._seen[action] = _Seen(self._metrics.calls.of(action))
        return seen

    # --- one node after another -----------------------------------------------------------------------------

    async def _until_answered(self, call: Call, seen: _Seen, now_seconds: float) -> Any:
        self._budget.note_call()
        tried: set[str] = set()
        keyed = KEY_HEADER in call.headers
        attempts, failure = 0, None
        while endpoint := self._choose(call, tried):
            keyed = keyed and endpoint.keyed
            harmless = keyed or _is_safe(call, endpoint)
            if failure is not None:
                if not self._may_repeat(call, attempts, failure, harmless=harmless):
                    break
                now_seconds = self._now()
            try:
                return await self._attempt(endpoint, call, seen, tried, now_seconds, harmless=harmless)
            except MeshError as error:
                failure = error
                attempts += not is_free(error)
                if not (is_own_failure(error) and await self._reconnection.awaited(call.deadline.at_seconds)):
                    tried.add(endpoint.node)
        raise failure or NotServed(_nobody(call))

    def _choose(self, call: Call, tried: set[str]) -> Endpoint | None:
        candidates = self._registry.endpoints(call.action)
        if tried:
            candidates = tuple(endpoint for endpoint in candidates if endpoint.node not in tried)
        if call.node is not None:
            candidates = tuple(endpoint for endpoint in candidates if endpoint.node == call.node)
        if len(candidates) < 2:
            return candidates[0] if candidates else None
        return self._strategy.choose(self._ejections.admitted(candidates))

    def _may_repeat(self, call: Call, attempts: int, failure: MeshError, *, harmless: bool) -> bool:
        if call.stream is not None or call.deadline.passed:
            return False
        if not may_repeat(failure, harmless=harmless, outermost=call.level == 1):
            return False
        if attempts >= call.policy.attempts_max or (not is_free(failure) and not self._budget.spend()):
            return False
        self._metrics.repeat(call.action, failure.code)
        return True

    def _others(self, call: Call, tried: set[str], chosen: Endpoint) -> bool:
        if call.node is not None or call.stream is not None:
            return False
        known = self._registry.endpoints(call.action)
        if not tried:
            return len(known) > 1
        return any(each.node != chosen.node and each.node not in tried for each in known)

    # --- one of them ----------------------------------------------------------------------------------------

    async def _attempt(
        self, endpoint: Endpoint, call: Call, seen: _Seen, tried: set[str], now: float, *, harmless: bool
    ) -> Any:
        """A call that can be repeated leaves time for it."""
        until_seconds, slow_at_seconds = call.deadline.at_seconds, None
        if now >= until_seconds:
            raise Late("the deadline had passed before the call was made")
        repeatable = harmless and call.level == 1 and self._others(call, tried, endpoint)
        if repeatable:
            slow_at_seconds = self._slow_at_seconds(call, endpoint, seen, now)
            if call.policy.attempts_max > 1:
                usual_seconds = seen.seconds.value if _is_safe(call, endpoint) else None
                until_seconds = now + attempt_seconds(until_seconds - now, usual_seconds)
        self._ejections.note_chosen(endpoint.node)
        try:
            if endpoint.local:
                answer, answered_by = await self.local(call.until(until_seconds)), endpoint.node
            else:
                response = await self._ask(endpoint, call, until_seconds, slow_at_seconds, tried)
                answer, answered_by = checked_answer(call.contract, response), response.sender
                if response.meta:
                    call.meta.update(response.meta)
                seen.by_stream = response.stream
        except MeshError as error:
            self._ejections.note_failure(endpoint.node, error)
            raise
        if repeatable:
            seen.seconds.note(self._now() - now)
        seen.tally.note_region(endpoint.region)
        self._ejections.note_success(answered_by)
        return answer

    def _slow_at_seconds(self, call: Call, endpoint: Endpoint, seen: _Seen, now_seconds: float) -> float | None:
        """A key makes it harmless to repeat what failed, not to do it twice at a time."""
        if seen.by_stream or not _is_safe(call, endpoint):
            return None
        after_seconds = slow_after_seconds(call.policy, seen.seconds)
        return None if after_seconds is None else now_seconds + after_seconds

    async def _ask(
        self, endpoint: Endpoint, call: Call, until_seconds: float, slow_at_seconds: float | None, tried: set[str]
    ) -> Response:
        waiting = self._remote.open(endpoint.node, until_seconds, slow_at_seconds, None if tried else call.id)
        try:
            if call.stream is not None:
                return await self._remote.send_stream(waiting, call, call.stream)
            await self._remote.send(waiting, call)
            response = await waiting.answer
            return response if response is not None else await self._hedged(waiting, call, tried)
        finally:
            self._remote.close(waiting)

    async def _hedged(self, slow: Waiting, call: Call, tried: set[str]) -> Response:
        """The first of two answers, if there is another node and the budget allows it."""
        self._remote.doubt()
        self._ejections.note_overdue(slow.node)
        other = self._choose(call, tried | {slow.node})
        if other is None or other.local or self._remote.full or not self._budget.spend():
            return await slow.last_answer()
        self._metrics.hedge(call.action)
        self._ejections.note_chosen(other.node)
        tried.add(other.node)
        failures: dict[str, MeshError] = {}
        second = self._remote.open(other.node, slow.until_seconds)
        try:
            await self._send_hedge(second, call)
            return await first_answer(slow, second, failures)
        finally:
            self._remote.close(second)
            for node in failures.keys() - ({slow.node} if len(failures) > 1 else set()):
                self._ejections.note_failure(node, failures[node])

    async def _send_hedge(self, second: Waiting, call: Call) -> None:
        """What cannot be sent has failed at once; the first node may still answer."""
        try:
            await self._remote.send(second, call)
        except MeshError as error:
            second.fail(error)


def _is_safe(call: Call, endpoint: Endpoint) -> bool:
    return endpoint.safe if call.contract is None else call.contract.safe


async def _not_here(call: Call) -> Any:
    raise NotServed(f"{call.action} is not served here")


def _nobody(call: Call) -> str:
    return f"no node serves {call.action}" if call.node is None else f"{call.node} does not serve {call.action}"
