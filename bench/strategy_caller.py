"""A caller in the model. Its budget, its hedging, its ejections and what it may repeat are the broker's own policies;
what is written here is only their order, as in `broker/calls.py`, with timers of the model in place of tasks.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

from bench.strategy_world import Asked, World
from bench.virtual_time import VirtualTimer
from broker.config import EJECTION_SECONDS
from broker.discovery.registry import Endpoint
from broker.observe.quantile import RecentQuantile
from broker.pending import Silent
from broker.policies.call_policy import DEFAULT
from broker.policies.ejection import Ejections
from broker.policies.hedging import HEDGED_SHARE, slow_after_seconds
from broker.policies.retry import RetryBudget, attempt_seconds, is_free, may_repeat
from broker.refusals import NotServed
from broker.strategies.outcome import Outcome, outcome_of
from broker.strategies.strategy import Strategy
from broker.wire.load import Load
from schema.errors import MeshError, TimedOut

PING_SECONDS = 1.0


class Call:
    """A safe call, and what became of it."""

    __slots__ = (
        "asks",
        "attempt_at_seconds",
        "attempts",
        "done_at_seconds",
        "error",
        "failures",
        "first_node",
        "made_at_seconds",
        "sent",
        "tried",
        "work_seconds",
    )

    def __init__(self, made_at_seconds: float, work_seconds: tuple[float, float]) -> None:
        self.made_at_seconds = made_at_seconds
        self.work_seconds = work_seconds
        """Of the first attempt, and of any other."""
        self.tried: set[str] = set()
        self.asks: list[Ask] = []
        self.sent: list[tuple[float, str]] = []
        """When, and to which node."""
        self.attempts = 0
        self.attempt_at_seconds = made_at_seconds
        self.failures: dict[str, MeshError] = {}
        """Of the attempt that is going on."""
        self.first_node = ""
        self.done_at_seconds: float | None = None
        self.error: MeshError | None = None

    @property
    def deadline_seconds(self) -> float:
        return self.made_at_seconds + DEFAULT.deadline_seconds


class Ask:
    """One request to one node."""

    __slots__ = ("call", "ended", "endpoint", "sent_at_seconds", "slow", "timeout", "until_seconds", "wary")

    def __init__(self, call: Call, endpoint: Endpoint, sent_at_seconds: float, until_seconds: float) -> None:
        self.call = call
        self.endpoint = endpoint
        self.sent_at_seconds = sent_at_seconds
        self.until_seconds = until_seconds
        self.ended = False
        self.wary = False
        """Another node may be asked when it is slow."""
        self.slow: VirtualTimer | None = None
        self.timeout: VirtualTimer | None = None


class Caller:
    def __init__(self, world: World, region: str, make: Callable[[Callable[[], float]], Strategy], seed: int) -> None:
        self.region = region
        self.calls: list[Call] = []
        self._world = world
        self._time = world.time
        self._random = Random(seed)
        self.strategy = make(self._time.now)
        self._budget = RetryBudget(self._time)
        self._ejections = Ejections(self._time, EJECTION_SECONDS, on_silence=self._give_up)
        self._usual = RecentQuantile(HEDGED_SHARE)
        self._asks: dict[Ask, None] = {}
        world.when_joined.append(self._joined)
        for endpoint in world.endpoints:
            self._ping(endpoint.node)
        self._time.call_later(self._random.uniform(0, PING_SECONDS), self._probe)

    # --- as Caller._until_answered -------------------------------------------------------------------------

    def call(self, work_seconds: tuple[float, float]) -> None:
        call = Call(self._time.now(), work_seconds)
        self.calls.append(call)
        self._budget.note_call()
        self._attempt(call, None)

    def _attempt(self, call: Call, failure: MeshError | None) -> None:
        endpoint = self._choose(call.tried)
        if endpoint is None or (failure is not None and not self._may_repeat(call, failure)):
            self._end(call, failure or NotServed("text"))
            return
        now = call.attempt_at_seconds = self._time.now()
        call.failures = {}
        until_seconds, repeatable = call.deadline_seconds, self._choose(call.tried | {endpoint.node}) is not None
        if repeatable:
            until_seconds = now + attempt_seconds(until_seconds - now, self._usual.value)
        ask = self._send(call, endpoint, until_seconds)
        slow_seconds = slow_after_seconds(DEFAULT, self._usual)
        if repeatable and slow_seconds is not None:
            ask.wary = True
            ask.slow = self._time.call_later(slow_seconds, partial(self._hedge, ask))

    def _may_repeat(self, call: Call, failure: MeshError) -> bool:
        if self._time.now() >= call.deadline_seconds or not may_repeat(failure, harmless=True, outermost=True):
            return False
        return call.attempts < DEFAULT.attempts_max and (is_free(failure) or self._budget.spend())

    def _choose(self, tried: set[str]) -> Endpoint | None:
        candidates = self._world.endpoints
        if tried:
            candidates = tuple(each for each in candidates if each.node not in tried)
        if len(candidates) < 2:
            return candidates[0] if candidates else None
        return self.strategy.choose(candidates, self._ejections.avoided())

    # --- as Caller._ask and Caller._hedged -----------------------------------------------------------------

    def _send(self, call: Call, endpoint: Endpoint, until_seconds: float) -> Ask:
        now = self._time.now()
        ask = Ask(call, endpoint, now, until_seconds)
        work_seconds = call.work_seconds[min(1, len(call.sent))]
        call.first_node = call.first_node or endpoint.node
        call.sent.append((now, endpoint.node))
        call.asks.append(ask)
        self._asks[ask] = None
        self._ejections.note_chosen(endpoint.node)
        self.strategy.started(endpoint)
        ask.timeout = self._time.call_later(until_seconds - now, partial(self._fail, ask, TimedOut("text"), None))
        self._world.send(self.region, endpoint, Asked(work_seconds, until_seconds, partial(self._answered, ask)))
        return ask

    def _hedge(self, ask: Ask) -> None:
        ask.slow = None
        if ask.ended:
            return
        self.strategy.overdue(ask.endpoint)
        self._ejections.note_overdue(ask.endpoint.node)
        if ask.ended:
            return
        other = self._choose(ask.call.tried | {ask.endpoint.node})
        if other is not None and self._budget.spend():
            ask.call.tried.add(other.node)
            self._send(ask.call, other, ask.until_seconds)

    def _answered(self, ask: Ask, error: MeshError | None, load: Load | None) -> None:
        if ask.ended:
            self._ejections.note_heard(ask.endpoint.node)
        elif error is not None and error.retryable:
            self._fail(ask, error, load)
        else:
            self._close(ask, Outcome.ANSWERED if error is None else outcome_of(error), load)
            self._ejections.note_success(ask.endpoint.node)
            if error is None:
                self._usual.note(self._time.now() - ask.call.attempt_at_seconds)
            self._end(ask.call, error)

    def _fail(self, ask: Ask, error: MeshError, load: Load | None) -> None:
        if ask.ended:
            return
        call = ask.call
        self._close(ask, outcome_of(error), load)
        self._ejections.note_failure(ask.endpoint.node, error)
        call.failures[ask.endpoint.node] = error
        if call.asks:
            return
        call.attempts += not is_free(error)
        call.tried.update(call.failures)
        self._attempt(call, error)

    def _end(self, call: Call, error: MeshError | None) -> None:
        call.done_at_seconds, call.error = self._time.now(), error
        for ask in list(call.asks):
            self._close(ask, Outcome.ABANDONED, None)

    def _close(self, ask: Ask, outcome: Outcome, load: Load | None) -> None:
        ask.ended = True
        ask.call.asks.remove(ask)
        del self._asks[ask]
        for timer in (ask.slow, ask.timeout):
            if timer is not None:
                timer.cancel()
        self.strategy.finished(ask.endpoint, self._time.now() - ask.sent_at_seconds, outcome, load)

    def _give_up(self, node: str) -> None:
        for ask in [ask for ask in self._asks if ask.wary and ask.endpoint.node == node]:
            self._fail(ask, Silent("text"), None)

    # --- as Pinging ----------------------------------------------------------------------------------------

    def _probe(self) -> None:
        for node in self.strategy.probes_wanted(self._world.endpoints):
            self._ping(node)
        self._time.call_later(PING_SECONDS, self._probe)

    def _ping(self, node: str) -> None:
        region = self._world.nodes[node].region
        there_and_back = sum(self._world.one_way_seconds(self.region, region) for _ in range(2))
        self._time.call_later(there_and_back, partial(self.strategy.measured, node, region, there_and_back))

    def _joined(self, node: str) -> None:
        self.strategy.joined(node)
        self._ping(node)
