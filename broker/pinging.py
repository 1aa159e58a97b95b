"""PING and PONG on the wire; what is learned of them is in `latency.py`."""

from __future__ import annotations

from broker.clock import Clock
from broker.latency import Latency
from broker.packets import Ping, Pong
from broker.registry import Registry
from broker.tasks import Tasks
from broker.topics import Kind, Topics
from broker.transport import Transport


class Pinging:
    def __init__(
        self,
        node: str,
        *,
        latency: Latency,
        transport: Transport,
        topics: Topics,
        registry: Registry,
        clock: Clock,
        tasks: Tasks,
    ) -> None:
        self._node = node
        self._latency = latency
        self._transport = transport
        self._topics = topics
        self._registry = registry
        self._clock = clock
        self._tasks = tasks

    async def ping_everybody(self) -> None:
        await self._transport.publish(self._topics.everybody(Kind.PING), self._latency.next_ping().encode())

    def ping_soon(self, node: str) -> None:
        self._tasks.spawn(self._ping(node))

    def receive_ping(self, ping: Ping) -> None:
        if ping.sender != self._node:
            self._tasks.spawn(self._answer(ping))

    def receive_pong(self, pong: Pong) -> None:
        """Only of known nodes: strangers must not fill the memory."""
        if self._registry.get(pong.sender) is not None:
            self._latency.receive(pong)

    async def _ping(self, node: str) -> None:
        await self._transport.publish(self._topics.of(Kind.PING, node), self._latency.next_ping().encode())

    async def _answer(self, ping: Ping) -> None:
        now = self._clock.epoch_milliseconds()
        pong = Pong(ping.version, self._node, ping.id, ping.time_milliseconds, now)
        await self._transport.publish(self._topics.of(Kind.PONG, ping.sender), pong.encode())
