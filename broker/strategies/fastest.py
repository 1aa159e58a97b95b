"""The node that will answer first, as far as one caller can tell.

    expected time = path to its region + work x how slow it is + wait in its queue + penalty for failures

Regions are looked at nearest first, until no farther one can win. Inside a region two nodes picked at random are
compared, and one that has a place free goes before one that has not: asking the best of all known would send every
caller to the same node at once. `docs/strategy.md` tells what each part is for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Sequence
from random import Random

from broker.discovery.registry import Endpoint
from broker.strategies.groups import Group, Groups, Seat
from broker.strategies.node_record import HOT, NodeRecord
from broker.strategies.outcome import Outcome
from broker.strategies.paths import Path, Paths
from broker.strategies.ramp import START_SECONDS
from broker.strategies.service_times import ServiceTimes
from broker.strategies.strategy import NOBODY, Score
from broker.wire.load import Load

NODES_MAX = 4_096
"""Of which anything is remembered."""
PICKS_MAX = 8
"""Nodes of a region that are looked at when one of two picked at random is not as it should be, or both are hot."""
EVERYBODY = 0.0
"""Luck that leaves no node out."""
QUEUE_WEIGHT = 3.0
"""Who joins a queue delays everybody who comes after, too: a second in a queue counts as so many on a path. With 1,
near queues fill until the wait in them is as long as the way to the next region, and all wait that long for nothing."""
PATIENCE = 0.1
"""Callers differ by so much in how long a queue they put up with, so that they do not all turn away at once."""


class Fastest:
    def __init__(self, region: str, now: Callable[[], float], random: Random) -> None:
        self._now = now
        self._random = random.random
        self._began_at_seconds = now()
        self._patience = QUEUE_WEIGHT * random.uniform(1 - PATIENCE, 1 + PATIENCE)
        self._paths = Paths(region)
        self._services = ServiceTimes()
        self._records: dict[str, NodeRecord] = {}
        self._groups = Groups(self._paths, Path(0.0, now()), self._record)

    # --- choosing ------------------------------------------------------------------------------------------

    def choose(
        self, candidates: Sequence[Endpoint], avoided: Container[str] = NOBODY, key: str | None = None
    ) -> Endpoint:
        if len(candidates) == 1:
            return candidates[0]
        now = self._now()
        usual_seconds = self._services.usual(candidates[0].action).seconds
        groups = self._groups.of(candidates, now)
        best = self._best(groups, usual_seconds, now, avoided, self._random())
        if best is None:
            best = self._best(groups, usual_seconds, now, NOBODY, EVERYBODY)
        assert best is not None, "where nobody is left out, somebody is chosen"
        return best.endpoint

    def _best(
        self, groups: list[Group], usual_seconds: float, now: float, avoided: Container[str], luck: float
    ) -> Seat | None:
        """`luck` from 0 to 1: nodes that ramp up are left out if their share is below it."""
        best, best_seconds = None, math.inf
        for group in groups:
            path_seconds = group.path.seconds
            if path_seconds + usual_seconds >= best_seconds:
                break
            seat = self._of_region(group.seats, usual_seconds, now, avoided, luck)
            if seat is not None:
                seconds = path_seconds + self._seconds(seat.record, usual_seconds, now)
                if seconds < best_seconds:
                    best, best_seconds = seat, seconds
        return best

    def _of_region(
        self, seats: list[Seat], usual_seconds: float, now: float, avoided: Container[str], luck: float
    ) -> Seat | None:
        """The better of two."""
        count = len(seats)
        at = int(self._random() * count)
        one, two = seats[at], seats[(at + 1) % count]
        first, second = one.record, two.record
        if avoided or not (first.is_well() and second.is_well()):
            return _best_of_more(seats, at, usual_seconds, now, avoided, luck)
        burden, other = first.burden(now), second.burden(now)
        if burden >= HOT and other >= HOT and count > 2:
            return _best_of_more(seats, at, usual_seconds, now, avoided, luck)
        return one if burden <= other else two

    def _seconds(self, record: NodeRecord, usual_seconds: float, now: float) -> float:
        """Expected, without the path."""
        service_seconds = usual_seconds * record.slowness(now)
        too_many = record.in_system(now) + 1 - record.concurrency
        if too_many > 0:
            service_seconds += service_seconds * self._patience * too_many / record.concurrency
        if record.suspicion.level:
            service_seconds += record.suspicion.penalty_seconds(now, record.in_flight)
        return service_seconds

    # --- learning ------------------------------------------------------------------------------------------

    def started(self, endpoint: Endpoint) -> None:
        self._record(endpoint.node, self._now()).in_flight += 1

    def overdue(self, endpoint: Endpoint) -> None:
        self._record(endpoint.node, self._now()).suspicion.note_overdue(self._now())

    def finished(self, endpoint: Endpoint, seconds: float, outcome: Outcome, load: Load | None = None) -> None:
        now = self._now()
        record = self._record(endpoint.node, now)
        record.in_flight = max(0, record.in_flight - 1)
        if load is not None:
            record.note_load(load, now)
        if outcome is Outcome.ANSWERED:
            self._answered(endpoint, record, seconds, load, now)
        elif outcome is Outcome.ABANDONED:
            record.note_at_least(self._times_usual(endpoint, seconds, now), now)
        elif outcome is Outcome.REFUSED:
            record.note_refusal(now)
        else:
            record.suspicion.note_failure(now)

    def measured(self, node: str, region: str, rtt_seconds: float) -> None:
        now = self._now()
        self._paths.of(region, now).note(rtt_seconds, now)

    def joined(self, node: str) -> None:
        self.left(node)
        now = self._now()
        if now - self._began_at_seconds > START_SECONDS:
            self._record(node, now).ramp_from_seconds = now

    def left(self, node: str) -> None:
        self._records.pop(node, None)
        self._groups.clear()

    def probes_wanted(self, candidates: Sequence[Endpoint]) -> Sequence[str]:
        """One node of each region of which nothing was heard for a second."""
        now = self._now()
        idle = [group for group in self._groups.of(candidates, now) if group.path.wants_probe(now)]
        wanted = [self._any(group.seats).endpoint for group in idle]
        for group in idle:
            group.path.probed_at_seconds = now
        return [endpoint.node for endpoint in wanted if not endpoint.local]

    def explain(self, candidates: Sequence[Endpoint]) -> Sequence[Score]:
        now = self._now()
        return [self._score(group, seat, now) for group in self._groups.of(candidates, now) for seat in group.seats]

    def _answered(self, endpoint: Endpoint, record: NodeRecord, seconds: float, load: Load | None, now: float) -> None:
        """Where the node told how long the work took, the rest was the path."""
        if load is None:
            service_seconds = self._beyond_path(endpoint, seconds, now)
        else:
            service_seconds = load.service_seconds
            if not endpoint.local:
                path_seconds = max(0.0, seconds - service_seconds - load.queued_seconds)
                self._paths.of(endpoint.region, now).note(path_seconds, now)
        usual = self._services.usual(endpoint.action)
        usual.note(service_seconds, now)
        record.note_service(service_seconds / usual.seconds, now)
        if record.suspicion.level and record.suspicion.note_answer():
            record.ramp_from_seconds = now

    def _times_usual(self, endpoint: Endpoint, seconds: float, now: float) -> float:
        return self._beyond_path(endpoint, seconds, now) / self._services.usual(endpoint.action).seconds

    def _beyond_path(self, endpoint: Endpoint, seconds: float, now: float) -> float:
        path_seconds = 0.0 if endpoint.local else self._paths.of(endpoint.region, now).seconds
        return max(0.0, seconds - path_seconds)

    def _any(self, seats: list[Seat]) -> Seat:
        return seats[int(self._random() * len(seats))]

    def _score(self, group: Group, seat: Seat, now: float) -> Score:
        record = seat.record
        service_seconds = self._services.usual(seat.endpoint.action).seconds * record.slowness(now)
        penalty_seconds = record.suspicion.penalty_seconds(now, record.in_flight)
        seconds = self._seconds(record, self._services.usual(seat.endpoint.action).seconds, now)
        return Score(
            seat.endpoint.node,
            group.region,
            group.path.seconds,
            service_seconds,
            max(0.0, seconds - service_seconds - penalty_seconds),
            penalty_seconds,
            record.share(now),
            record.in_flight,
        )

    def _record(self, node: str, now: float) -> NodeRecord:
        record = self._records.get(node)
        if record is None:
            if len(self._records) >= NODES_MAX:
                self.left(next(iter(self._records)))
            record = self._records[node] = NodeRecord(now)
        return record


def _best_of_more(
    seats: list[Seat], at: int, usual_seconds: float, now: float, avoided: Container[str], luck: float
) -> Seat | None:
    """Where two are not enough. None: no node of the region is to be asked."""
    picks = (seats[number % len(seats)] for number in range(at, at + min(len(seats), PICKS_MAX)))
    fit = [seat for seat in picks if seat.endpoint.node not in avoided and seat.record.share(now) >= luck]
    return min(fit, key=lambda seat: _burden(seat.record, usual_seconds, now), default=None)


def _burden(record: NodeRecord, usual_seconds: float, now: float) -> float:
    return record.burden(now) + record.suspicion.penalty_seconds(now, record.in_flight) / usual_seconds
