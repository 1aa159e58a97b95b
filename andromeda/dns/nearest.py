"""Which regions are near to which clients, from what the gateways of all regions measured.

A region counts for a network once it was measured a few times and lately. Where one is missing, or may be the nearest
after all, name servers send somebody there now and then, and it is measured.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from andromeda.dns import lua
from schema.names import RoundTrip

NETWORKS_MAX = 16_384
"""Those heard of last. LuaJIT takes no more than 65,536 constants in one file."""
COUNT_MIN = 3
COUNT_SURE = 32
MARGIN_SECONDS = 0.010
"""A region that looks no farther than this beyond the nearest is measured until nothing more can be learnt: a few
accidents must not make it look far for good."""
MEMORY_SECONDS = 3_600.0
SHARE = 0.5
"""Of a new figure beside the one before: a region has several gateways, which tell their figures in turn."""


@dataclass(frozen=True, slots=True)
class Way:
    seconds: float
    told_at: float
    count: int


class Order(NamedTuple):
    """`near`: regions that were measured, nearest first; `unsure`: those of them that may be nearer than they look."""

    near: tuple[str, ...]
    unsure: tuple[str, ...]


class Nearest:
    """`now` is in seconds since the epoch: what is known outlives the process."""

    def __init__(self, regions: Iterable[str], networks_max: int = NETWORKS_MAX) -> None:
        self._regions = frozenset(regions)
        self._networks_max = networks_max
        self._ways: OrderedDict[str, dict[str, Way]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._ways)

    def learn(self, region: str, measured: Iterable[RoundTrip], now: float) -> None:
        """What a region's gateway tells. Regions that are not declared are not named, so not learnt either."""
        if region not in self._regions:
            return
        for each in measured:
            if each.count >= COUNT_MIN:
                self._learn(region, each, now)

    def _learn(self, region: str, told: RoundTrip, now: float) -> None:
        ways = self._ways.setdefault(told.network, {})
        self._ways.move_to_end(told.network)
        before, seconds = ways.get(region), told.seconds
        if before is not None and now - before.told_at < MEMORY_SECONDS:
            seconds = before.seconds + SHARE * (seconds - before.seconds)
        ways[region] = Way(seconds, now, told.count)
        if len(self._ways) > self._networks_max:
            self._ways.popitem(last=False)

    def orders(self, now: float) -> Mapping[str, Order]:
        """Of each network of which something was measured lately."""
        found = {network: _order(ways, now) for network, ways in self._ways.items()}
        return {network: order for network, order in found.items() if order.near}

    def lua(self, now: float) -> str:
        """For name servers: networks that agree share their order."""
        orders = dict(sorted(self.orders(now).items()))  # the same text as long as nothing changed
        distinct = list(dict.fromkeys(orders.values()))
        numbers = {order: number for number, order in enumerate(distinct, start=1)}
        return lua.chunk(
            {
                "orders": [{"near": order.near, "unsure": order.unsure} for order in distinct],
                "networks": {network: numbers[order] for network, order in orders.items()},
            }
        )

    # --- on disk --------------------------------------------------------------------------------------------------

    def dump(self) -> dict[str, dict[str, list[float]]]:
        return {
            network: {region: [way.seconds, way.told_at, way.count] for region, way in ways.items()}
            for network, ways in self._ways.items()
        }

    def load(self, dumped: Mapping[str, Mapping[str, list[float]]]) -> None:
        for network, ways in dumped.items():
            known = {
                region: Way(way[0], way[1], int(way[2])) for region, way in ways.items() if region in self._regions
            }
            if known and len(self._ways) < self._networks_max:
                self._ways[network] = known


def _order(ways: Mapping[str, Way], now: float) -> Order:
    recent = {region: way for region, way in ways.items() if now - way.told_at < MEMORY_SECONDS}
    near = tuple(sorted(recent, key=lambda region: (recent[region].seconds, region)))
    if not near:
        return Order((), ())
    limit = recent[near[0]].seconds + MARGIN_SECONDS
    unsure = [name for name in near[1:] if recent[name].count < COUNT_SURE and recent[name].seconds < limit]
    return Order(near, tuple(unsure))
