"""What comes in from the mesh, and which part it is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from broker.balanced import Balanced
from broker.inbox import Inbox
from broker.load_reports import LoadReports
from broker.orders import Obey, OrderReceiver
from broker.parts import Parts
from broker.requests import RequestReceiver
from broker.responses import ResponseReceiver
from broker.transport import Delivery, Listener
from broker.wire.packets import Pong
from broker.wire.topics import Kind, call_of_unheard


class Intake:
    def __init__(self, parts: Parts, orders: Mapping[str, Obey]) -> None:
        self._parts = parts
        self._orders = orders
        self.balanced: Balanced | None = None

    def listener(self) -> Listener:
        return Listener(self._disconnected, self._reconnected, self._parts.members.events_missed)

    async def open(self) -> None:
        parts = self._parts
        inbox = Inbox(self._receivers(), parts.metrics)
        await inbox.open(parts.transport, parts.topics, parts.config.node)
        if parts.config.balanced:
            self.balanced = Balanced.over(parts.transport, parts.topics, inbox.receive)
        await parts.transport.subscribe(parts.topics.unheard(parts.config.node), self._receive_unheard)

    def _receivers(self) -> dict[Kind, Callable[[Any], None]]:
        parts = self._parts
        requests = RequestReceiver(
            parts.config.node,
            dispatcher=parts.dispatcher,
            transport=parts.transport,
            topics=parts.topics,
            clock=parts.clock,
            tasks=parts.requests,
            onward=parts.outgoing,
            streams=parts.streams,
            reports=LoadReports(parts.admission),
        )
        responses = ResponseReceiver(parts.config.node, parts.pending, parts.streams, parts.ejections, parts.metrics)
        return {
            Kind.REQUEST: requests.receive,
            Kind.ORDER: self._order_receiver().receive,
            Kind.RESPONSE: responses.receive,
            Kind.STREAM: parts.streams.receive_progress,
            Kind.EVENT: parts.outgoing.receive_event,
            Kind.INFO: parts.discovery.receive_info,
            Kind.DISCOVER: parts.discovery.receive_discover,
            Kind.HEARTBEAT: parts.discovery.receive_heartbeat,
            Kind.DISCONNECT: parts.discovery.receive_disconnect,
            Kind.PING: parts.pinging.receive_ping,
            Kind.PONG: self._receive_pong,
        }

    def _receive_pong(self, pong: Pong) -> None:
        self._parts.pinging.receive_pong(pong)
        self._parts.streams.receive_pong(pong)

    def _order_receiver(self) -> OrderReceiver:
        parts = self._parts
        return OrderReceiver(
            parts.config.node,
            self._orders,
            transport=parts.transport,
            topics=parts.topics,
            tasks=parts.background,
        )

    def _receive_unheard(self, delivery: Delivery) -> None:
        """The server knows before the heartbeats do that a node is gone."""
        parts = self._parts
        if delivery.unheard and (node := parts.pending.unheard(call_of_unheard(delivery.subject))) is not None:
            parts.discovery.lose(node)

    def _disconnected(self) -> None:
        self._parts.metrics.connected.set(0)
        self._parts.pending.fail_all("the connection to the mesh was lost")
        self._parts.streams.fail_all("the connection to the mesh was lost")

    def _reconnected(self) -> None:
        parts = self._parts
        parts.metrics.connected.set(1)
        parts.blame_nobody()
        parts.reconnection.back()
        parts.background.spawn(parts.discovery.rejoin())
        parts.members.events_missed()
