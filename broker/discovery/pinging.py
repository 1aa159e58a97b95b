"""PING and PONG on the wire; what is learned of them is in `strategies/latency.py`.

One node is pinged at a time, whichever was not for longest in the region that was not for longest: a thousand nodes
that each pinged all the others would do nothing else. A node that does not answer is asked again before the others,
and lost if it stays silent, even if its heartbeats go on: nobody can call it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from random import Random

from broker.clock import Clock
from broker.discovery.registry import Node, Registry
from broker.periodic import every
from broker.strategies.latency import Latency
from broker.tasks import Tasks
from broker.transport import Transport
from broker.wire.packets import Ping, Pong
from broker.wire.topics import Kind, Topics

PINGS_PER_SECOND_MAX = 100
"""Of the whole mesh: in a larger one each node pings less often."""
JOINED_PINGED_MAX = 8
"""Nodes that just joined are pinged at once, but no more of them than this, and one more with each round."""
STALL_ROUNDS = 3
"""A round that comes this late says that this process stood still, not that the others did."""


def _not_told(node: str, region: str, rtt_seconds: float) -> None:
    return


class Pinging:
    def __init__(
        self,
        node: str,
        *,
        interval_seconds: float,
        timeout_seconds: float,
        latency: Latency,
        transport: Transport,
        topics: Topics,
        registry: Registry,
        clock: Clock,
        random: Random,
        tasks: Tasks,
        lose: Callable[[str], None],
    ) -> None:
        """`timeout_seconds`: how long a node may leave pings unanswered; with less it is slow rather than gone."""
        self._node = node
        self._interval_seconds = interval_seconds
        self._timeout_seconds = timeout_seconds
        self._latency = latency
        self._transport = transport
        self._topics = topics
        self._registry = registry
        self._clock = clock
        self._random = random
        self._tasks = tasks
        self._lose = lose
        self.measured: Callable[[str, str, float], None] = _not_told
        """Told of a node, its region and the seconds of a round trip."""
        self.wanted: Callable[[], Sequence[str]] = tuple
        """Nodes of which somebody would like to know how far away they are."""
        self._pinged_at_seconds: dict[str, float] = {}
        self._unanswered_since_seconds: dict[str, float] = {}
        self._spare = JOINED_PINGED_MAX
        self._round_at_seconds = clock.now()

    def begin(self) -> None:
        self._tasks.spawn(every(self._clock, self._pause_seconds, self._random, self._ping_next))

    async def ping_everybody(self) -> None:
        """One packet, as many answers as there are nodes: for people who look, not for nodes."""
        await self._transport.publish(self._topics.everybody(Kind.PING), self._latency.next_ping().encode())

    def ping_soon(self, node: str) -> None:
        """One that just joined."""
        self._unanswered_since_seconds.pop(node, None)
        if self._spare:
            self._spare -= 1
            self._tasks.spawn(self._ping(node))

    def receive_ping(self, ping: Ping) -> None:
        if ping.sender != self._node:
            self._tasks.spawn(self._answer(ping))

    def receive_pong(self, pong: Pong) -> None:
        """Only of known nodes: strangers must not fill the memory."""
        known = self._registry.get(pong.sender)
        if known is not None:
            self._unanswered_since_seconds.pop(pong.sender, None)
            seconds = self._latency.receive(pong)
            if seconds is not None:
                self.measured(pong.sender, known.info.region, seconds)

    def _pause_seconds(self) -> float:
        return max(self._interval_seconds, self._registry.count_available() / PINGS_PER_SECOND_MAX)

    async def _ping_next(self) -> None:
        self._spare = min(self._spare + 1, JOINED_PINGED_MAX)
        if self._could_hear():
            self._lose_the_silent()
        else:
            self._unanswered_since_seconds.clear()
        others = [node for node in self._registry if node.available and not node.local]
        self._pinged_at_seconds = {node.info.node: self._pinged_at(node.info.node) for node in others}
        suspects = self._unanswered_since_seconds.keys() & self._pinged_at_seconds.keys()
        if others:
            await self._ping(min(suspects or self._of_one_region(others), key=self._pinged_at))
            await self._probe(len(others) + 1)

    async def _probe(self, nodes: int) -> None:
        """What is asked for beside, as far as the mesh has pings to spare."""
        probes_max = max(0, int(PINGS_PER_SECOND_MAX * self._pause_seconds() / nodes) - 1)
        for node in self.wanted()[:probes_max]:
            await self._ping(node)

    def _could_hear(self) -> bool:
        """Whether there was a connection, and this process did not stand still itself, since the last round."""
        last, self._round_at_seconds = self._round_at_seconds, self._clock.now()
        return self._transport.connected and self._round_at_seconds - last <= STALL_ROUNDS * self._pause_seconds()

    def _lose_the_silent(self) -> None:
        limit_seconds = self._clock.now() - self._timeout_seconds
        for node in [node for node, since in self._unanswered_since_seconds.items() if since <= limit_seconds]:
            del self._unanswered_since_seconds[node]
            self._lose(node)

    def _of_one_region(self, nodes: Iterable[Node]) -> Iterable[str]:
        """The nodes of the region that was not pinged for longest."""
        by_region: dict[str, list[str]] = {}
        for node in nodes:
            by_region.setdefault(node.info.region, []).append(node.info.node)
        return min(by_region.values(), key=lambda names: max(map(self._pinged_at, names)))

    def _pinged_at(self, node: str) -> float:
        return self._pinged_at_seconds.get(node, -math.inf)

    async def _ping(self, node: str) -> None:
        await self._transport.publish(self._topics.of(Kind.PING, node), self._latency.next_ping().encode())
        now = self._pinged_at_seconds[node] = self._clock.now()
        self._unanswered_since_seconds.setdefault(node, now)

    async def _answer(self, ping: Ping) -> None:
        now = self._clock.epoch_milliseconds()
        pong = Pong(ping.version, self._node, ping.id, ping.time_milliseconds, now)
        await self._transport.publish(self._topics.of(Kind.PONG, ping.sender), pong.encode())
