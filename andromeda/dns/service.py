"""A watcher in the mesh: what gateways and the other watchers tell it, and what operators have it do."""

from __future__ import annotations

from typing import ClassVar

from andromeda.dns.decisions import Decisions
from andromeda.dns.declaration import Declaration
from andromeda.dns.nearest import Nearest
from andromeda.dns.watcher import Watcher
from broker import Context, Service, action, event
from broker.clock import Clock
from schema.action import Nothing
from schema.errors import Conflict, NotFound
from schema.names import (
    BRING_BACK,
    DECISIONS,
    ROUND_TRIPS,
    STATE,
    TAKE_OUT,
    NamesState,
    OfRegion,
    RegionNamed,
    RoundTrips,
    TakeOut,
)
from schema.names import Decisions as Told


class Names(Service):
    name: ClassVar[str] = "names"
    private = (STATE, TAKE_OUT, BRING_BACK)

    def __init__(
        self, declaration: Declaration, watcher: Watcher, decisions: Decisions, nearest: Nearest, clock: Clock
    ) -> None:
        self._declaration = declaration
        self._watcher = watcher
        self._decisions = decisions
        self._nearest = nearest
        self._clock = clock

    @action(STATE)
    async def state(self, context: Context, request: Nothing) -> NamesState:
        return self._state()

    @action(TAKE_OUT)
    async def take_out(self, context: Context, request: TakeOut) -> NamesState:
        self._require(request.region)
        if not request.forced and not self._others_ready(request.region):
            raise Conflict(f"no region but {request.region} is ready")
        return self._decide(request.region, out=True)

    @action(BRING_BACK)
    async def bring_back(self, context: Context, request: OfRegion) -> NamesState:
        self._require(request.region)
        return self._decide(request.region, out=False)

    @event(ROUND_TRIPS)
    async def measured(self, context: Context, payload: RoundTrips) -> None:
        self._nearest.learn(payload.region, payload.measured, self._clock.epoch_milliseconds() / 1_000)

    @event(DECISIONS)
    async def decided(self, context: Context, payload: Told) -> None:
        if self._decisions.merge(payload.decisions):
            self._watcher.write()

    def _decide(self, region: str, *, out: bool) -> NamesState:
        if (region in self._decisions.out()) != out:
            self._decisions.decide(region, out=out, now_milliseconds=self._clock.epoch_milliseconds())
            self._watcher.write()
        return self._state()

    def _others_ready(self, region: str) -> bool:
        left = set(self._declaration.regions) - {region, *self._decisions.out()}
        return any(self._watcher.problem_of(other) is None for other in left)

    def _require(self, region: str) -> None:
        if region not in self._declaration.regions:
            raise NotFound(f"no region {region}; there are {', '.join(self._declaration.regions)}")

    def _state(self) -> NamesState:
        named, out = self._watcher.named(), self._decisions.out()
        problems = {name: self._watcher.problem_of(name) for name in self._declaration.regions}
        regions = [
            RegionNamed(region=name, named=name in named, ready=problem is None, out=name in out, problem=problem)
            for name, problem in problems.items()
        ]
        return NamesState(ttl_seconds=self._declaration.ttl_seconds, regions=regions)
