"""What comes in: one subscription a kind of packet, decoded and handed to whoever receives that kind.

A packet that is not understood is counted, and logged the first time its fault is seen; it never stops the others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any, TypeAlias

from broker.observe.metrics import Metrics
from broker.transport import Delivery, Headers, Receive, Transport
from broker.wire.fields import BadPacket
from broker.wire.load import LOAD_HEADER, parse_load
from broker.wire.packets import Packet, Response, decode
from broker.wire.topics import Kind, Topics
from broker.wire.usual_packets import read_request, read_response

Receiver: TypeAlias = Callable[[Any], None]
"""Takes packets of one kind."""

TARGETED = (Kind.REQUEST, Kind.RESPONSE, Kind.EVENT, Kind.PONG, Kind.STREAM, Kind.ORDER)
FOR_EVERYBODY = (Kind.DISCONNECT, Kind.HEARTBEAT)
BOTH = (Kind.DISCOVER, Kind.INFO, Kind.PING)
USUAL: Mapping[Kind, Callable[[bytes], Packet]] = {Kind.REQUEST: read_request, Kind.RESPONSE: read_response}
FAULTS_LOGGED_MAX = 256
HEARTBEATS_REMEMBERED = 2_048
"""A node's heartbeats are the same bytes until it changes: in a mesh of a thousand nodes, a hundred of them come in
each second."""

logger = logging.getLogger(__name__)


class Inbox:
    def __init__(self, receivers: Mapping[Kind, Receiver], metrics: Metrics) -> None:
        self._receivers = receivers
        self._metrics = metrics
        self._faults_logged: set[tuple[Kind, str]] = set()

    async def open(self, transport: Transport, topics: Topics, node: str) -> None:
        for kind in TARGETED + BOTH:
            await transport.subscribe(topics.of(kind, node), self.receive(kind))
        for kind in FOR_EVERYBODY + BOTH:
            await transport.subscribe(topics.everybody(kind), self.receive(kind))

    def receive(self, kind: Kind) -> Receive:
        receiver, decoded = self._receivers[kind], _decoder(kind)

        def receive(delivery: Delivery) -> None:
            try:
                packet = decoded(delivery.payload)
            except BadPacket as fault:
                self._refuse(kind, fault, delivery)
            else:
                if delivery.headers and type(packet) is Response:
                    packet = _with_load(packet, delivery.headers)
                receiver(packet)

        return receive

    def _refuse(self, kind: Kind, fault: BadPacket, delivery: Delivery) -> None:
        self._metrics.packet_refused(kind.value)
        seen = (kind, str(fault))
        if seen not in self._faults_logged and len(self._faults_logged) < FAULTS_LOGGED_MAX:
            self._faults_logged.add(seen)
            logger.warning("a packet on %s was refused: %s (this is logged once)", delivery.subject, fault)


def _with_load(response: Response, headers: Headers) -> Response:
    text = headers.get(LOAD_HEADER)
    return response if text is None else Response(*response[:-1], parse_load(text))


def _decoder(kind: Kind) -> Callable[[bytes], Packet]:
    if kind in USUAL:
        return USUAL[kind]
    decoder = partial(decode, kind)
    return lru_cache(HEARTBEATS_REMEMBERED)(decoder) if kind is Kind.HEARTBEAT else decoder
