"""What one caller knows of one node: a fixed number of figures, whatever happens."""

from __future__ import annotations

import math

from broker.strategies.ramp import share_of
from broker.strategies.suspicion import Suspicion
from broker.wire.load import Load

CONCURRENCY_FIRST = 64
"""Requests that a node is thought to work on at once, until a queue shows how many it does."""
LOAD_SECONDS = 1.0
"""For so long a report of a node's load says something."""
SLOWNESS_WEIGHT = 0.02
"""Of one sample: service times vary by half of themselves, so fifty of them tell a node's from another's."""
SLOWNESS_SECONDS = 5.0
"""A node that is seldom asked is judged by the samples of so long, and comes to be taken for usual again in as long."""
SLOWNESS_MAX = 1_000.0
USUALLY_SECONDS = 1.0
"""Over so long, what is usual of a node's load is averaged."""
TURNOVER_WEIGHT = 0.1
REFUSED_TIMES = 2
"""A node that refuses is taken to have as many requests waiting as it works on, at least."""
HOT = 1_000_000.0
"""Added to the burden of a node without a free place: more than any other part of it."""
NOISE = 1.25
"""A node that seems slower by less is not: such differences come and go."""


class NodeRecord:
    __slots__ = (
        "_heard_at_seconds",
        "_others",
        "_others_usually",
        "_own_share",
        "_own_usually",
        "_reported_at_seconds",
        "_slowness",
        "_turnover_seconds",
        "concurrency",
        "in_flight",
        "ramp_from_seconds",
        "suspicion",
    )

    def __init__(self, now_seconds: float) -> None:
        self.in_flight = 0
        """Calls of this caller."""
        self.concurrency = CONCURRENCY_FIRST
        self.suspicion = Suspicion()
        self.ramp_from_seconds: float | None = None
        """When it began to ramp up; None: it is up."""
        self._slowness = 1.0
        self._heard_at_seconds = now_seconds
        self._others = self._others_usually = self._own_usually = 0.0
        self._own_share = 1.0
        """`others`: what it works on and what waits there, without this caller's calls in flight. Below zero where
        many of those are still on their way."""
        self._turnover_seconds = LOAD_SECONDS
        """How long a request stays there: by then, a report of it says nothing any more."""
        self._reported_at_seconds = -math.inf

    def is_well(self) -> bool:
        """Neither suspected nor ramping up."""
        return self.ramp_from_seconds is None and not self.suspicion.level

    def share(self, now_seconds: float) -> float:
        """Of the calls that it would get otherwise."""
        if self.ramp_from_seconds is None:
            return 1.0
        share = share_of(self.ramp_from_seconds, now_seconds)
        if share >= 1:
            self.ramp_from_seconds = None
        return share

    def slowness(self, now_seconds: float) -> float:
        """How many times as long as usual its work takes."""
        if self._slowness <= NOISE:
            return 1.0
        idle_seconds = now_seconds - self._heard_at_seconds
        slowness = 1 + (self._slowness - 1) * math.exp(-idle_seconds / SLOWNESS_SECONDS)
        return slowness if slowness > NOISE else 1.0

    def in_system(self, now_seconds: float) -> float:
        """Requests of everybody that it works on or that wait there: what was unusual about the last report fades as
        the work that it told of ends."""
        age_seconds = now_seconds - self._reported_at_seconds
        if age_seconds > LOAD_SECONDS:
            return self.in_flight
        unusual = (self._others - self._others_usually) * math.exp(-age_seconds / self._turnover_seconds)
        return max(0.0, self.in_flight + self._others_usually + unusual)

    def burden(self, now_seconds: float) -> float:
        """What a caller weighs a node by against another of its region: how many times the usual work it is away from.

        All callers see the same queue: one that sends a fiftieth of the calls corrects a fiftieth of what others put
        out of balance, and all of what it put out of balance itself. A hot node comes after all others."""
        in_flight, concurrency = self.in_flight, self.concurrency
        in_system = self.in_system(now_seconds)
        burden = 1 + (in_flight + self._own_share * (in_system - in_flight) + 1) / concurrency
        if self._slowness > NOISE:
            burden *= self.slowness(now_seconds)
        return burden + HOT if in_system >= concurrency else burden

    def note_load(self, load: Load, now_seconds: float) -> None:
        """After its reply was taken from those in flight."""
        weight = min(1.0, (now_seconds - self._reported_at_seconds) / USUALLY_SECONDS)
        self._others = load.running + load.waiting - self.in_flight
        self._others_usually += weight * (self._others - self._others_usually)
        self._own_usually += weight * (self.in_flight - self._own_usually)
        others = max(0.0, self._others_usually)
        self._own_share = self._own_usually / (self._own_usually + others) if others else 1.0
        self._reported_at_seconds = now_seconds
        if load.service_seconds:
            stay_seconds = load.service_seconds + load.queued_seconds
            self._turnover_seconds += TURNOVER_WEIGHT * (stay_seconds - self._turnover_seconds)
        if load.waiting or load.running > self.concurrency:
            self.concurrency = max(1, load.running)

    def note_refusal(self, now_seconds: float) -> None:
        """It is full, which it need not have said otherwise."""
        if self.in_system(now_seconds) < REFUSED_TIMES * self.concurrency:
            self._others = REFUSED_TIMES * self.concurrency - self.in_flight
            self._reported_at_seconds = now_seconds

    def note_service(self, times_usual: float, now_seconds: float) -> None:
        age_share = (now_seconds - self._heard_at_seconds) / SLOWNESS_SECONDS
        weight = min(0.5, max(SLOWNESS_WEIGHT, age_share))
        self._slowness += weight * (min(times_usual, SLOWNESS_MAX) - self._slowness)
        self._heard_at_seconds = now_seconds

    def note_at_least(self, times_usual: float, now_seconds: float) -> None:
        """Nobody waited for the end of it."""
        if times_usual > self._slowness:
            self.note_service(times_usual, now_seconds)
