"""Moleculer's packets, protocols 4 and 5: one immutable value a kind, decoded strictly and encoded fast.

Everything that comes in is checked here, so that the rest of the broker trusts its values. `version` and `sender`
lead every packet; a targeted packet is written in its receiver's version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

import orjson

from broker.wire import fields, node_info
from broker.wire.fields import BadPacket, Fields
from broker.wire.load import Load
from broker.wire.node_info import NodeInfo
from broker.wire.topics import Kind, is_node_id

VERSIONS = ("4", "5")
LEVEL_KNOWN_MAX = 1_000
"""Deeper than any chain of calls may be, and still a number that every JSON parser reads."""
NO_HEADERS: Mapping[str, Any] = {}
"""Shared by all packets without headers: never written to."""
TIMEOUT_MILLISECONDS_MAX: Final = 3_600_000.0
"""A foreign node may ask for no timeout at all; nothing in this mesh works longer than an hour on one request."""
INTERVAL_SECONDS_MAX = 60.0
"""Between heartbeats: a node must not make others wait for it for ever."""


class Request(NamedTuple):
    version: str
    sender: str
    id: str
    action: str
    params: Any
    meta: dict[str, Any]
    timeout_milliseconds: float
    level: int
    request_id: str
    parent_id: str | None
    caller: str | None
    headers: Mapping[str, Any] = NO_HEADERS
    """What is meant for this call alone; `meta` goes along the whole chain."""
    stream: bool = False
    seq: int | None = None
    """Numbers the packets of a stream from 0, which opens it; the last one's `stream` is false."""
    progress: bool = False
    """Its sender wants to be told how far a stream was read."""

    def encode(self) -> bytes:
        packet: dict[str, Any] = {
            "ver": self.version,
            "sender": self.sender,
            "id": self.id,
            "action": self.action,
            "params": self.params,
            "meta": self.meta,
            "timeout": self.timeout_milliseconds,
            "level": self.level,
            "tracing": None,
            "parentID": self.parent_id,
            "requestID": self.request_id,
            "caller": self.caller,
            "stream": self.stream,
        }
        if self.headers:
            packet["headers"] = self.headers
        if self.seq is not None:
            packet["seq"], packet["progress"] = self.seq, self.progress
        return orjson.dumps(packet)


class Response(NamedTuple):
    """`error` is null in a success. `data` may be an `orjson.Fragment` on its way out."""

    version: str
    sender: str
    id: str
    data: Any
    error: dict[str, Any] | None
    meta: dict[str, Any]
    headers: Mapping[str, Any] = NO_HEADERS
    stream: bool = False
    seq: int | None = None
    progress: bool = False
    load: Load | None = None
    """What a header of NATS beside the packet told of the node that answered."""

    def encode(self) -> bytes:
        packet: dict[str, Any] = {
            "ver": self.version,
            "sender": self.sender,
            "id": self.id,
            "success": self.error is None,
            "data": self.data,
            "meta": self.meta,
        }
        if self.error is not None:
            packet["error"] = self.error
        if self.headers:
            packet["headers"] = self.headers
        if self.seq is not None:
            packet["stream"], packet["seq"], packet["progress"] = self.stream, self.seq, self.progress
        return orjson.dumps(packet)


class EventPacket(NamedTuple):
    """`groups` names the groups for which this node was chosen; none in a broadcast, which is for all of them."""

    version: str
    sender: str
    id: str
    event: str
    data: Any
    groups: tuple[str, ...]
    broadcast: bool
    meta: dict[str, Any]
    level: int
    request_id: str
    parent_id: str | None
    caller: str | None
    headers: Mapping[str, Any] = NO_HEADERS

    def encode(self) -> bytes:
        return orjson.dumps(
            {
                "ver": self.version,
                "sender": self.sender,
                "id": self.id,
                "event": self.event,
                "data": self.data,
                "groups": self.groups or None,
                "broadcast": self.broadcast,
                "meta": self.meta,
                "headers": self.headers,
                "level": self.level,
                "tracing": None,
                "parentID": self.parent_id,
                "requestID": self.request_id,
                "caller": self.caller,
                "needAck": False,
            }
        )


class Info(NamedTuple):
    version: str
    info: NodeInfo

    def encode(self) -> bytes:
        return orjson.dumps({"ver": self.version, "sender": self.info.node, **node_info.to_fields(self.info)})


class Discover(NamedTuple):
    version: str
    sender: str

    def encode(self) -> bytes:
        return orjson.dumps({"ver": self.version, "sender": self.sender})


class Disconnect(NamedTuple):
    version: str
    sender: str

    def encode(self) -> bytes:
        return orjson.dumps({"ver": self.version, "sender": self.sender})


class Heartbeat(NamedTuple):
    """`seq` and `instance` tell a listener whether it missed an INFO, `interval_seconds` when to expect the next one
    where that is not Moleculer's; foreign nodes send none of them. The instance may be its beginning only."""

    version: str
    sender: str
    seq: int | None
    instance: str | None
    interval_seconds: float | None = None

    def encode(self) -> bytes:
        packet: dict[str, Any] = {
            "ver": self.version,
            "sender": self.sender,
            "seq": self.seq,
            "instanceID": self.instance,
        }
        if self.interval_seconds is not None:
            packet["interval"] = self.interval_seconds
        return orjson.dumps(packet)


class Ping(NamedTuple):
    version: str
    sender: str
    id: str
    time_milliseconds: float

    def encode(self) -> bytes:
        return orjson.dumps({"ver": self.version, "sender": self.sender, "time": self.time_milliseconds, "id": self.id})


class Pong(NamedTuple):
    version: str
    sender: str
    id: str
    time_milliseconds: float
    arrived_milliseconds: float

    def encode(self) -> bytes:
        return orjson.dumps(
            {
                "ver": self.version,
                "sender": self.sender,
                "time": self.time_milliseconds,
                "id": self.id,
                "arrived": self.arrived_milliseconds,
            }
        )


class Progress(NamedTuple):
    """Of a call's stream, as its reader sees it. `done`: no more is wanted."""

    version: str
    sender: str
    id: str
    seq: int
    done: bool

    def encode(self) -> bytes:
        return orjson.dumps(
            {"ver": self.version, "sender": self.sender, "id": self.id, "seq": self.seq, "done": self.done}
        )


Packet: TypeAlias = Request | Response | EventPacket | Info | Discover | Disconnect | Heartbeat | Ping | Pong | Progress


def decode(kind: Kind, payload: bytes) -> Packet:
    """Raises `BadPacket` and nothing else, whatever comes in."""
    packet = fields.parse(payload)
    if packet.get("ver") not in VERSIONS:
        raise BadPacket("ver is neither 4 nor 5")
    if not is_node_id(fields.text(packet, "sender")):
        raise BadPacket("sender is no node id")
    return _DECODERS[kind](packet)


def _request(packet: Fields) -> Request:
    return Request(
        version=packet["ver"],
        sender=packet["sender"],
        id=fields.text(packet, "id"),
        action=fields.text(packet, "action"),
        params=packet.get("params"),
        meta=fields.mapping(packet, "meta"),
        timeout_milliseconds=_timeout(packet),
        level=_level(packet),
        request_id=fields.optional_text(packet, "requestID") or packet["id"],
        parent_id=fields.optional_text(packet, "parentID"),
        caller=fields.optional_text(packet, "caller"),
        headers=fields.mapping(packet, "headers"),
        stream=packet.get("stream") is True,
        seq=_seq(packet),
        progress=packet.get("progress") is True,
    )


def _response(packet: Fields) -> Response:
    success = packet.get("success")
    if not isinstance(success, bool):
        raise BadPacket("success is not a boolean")
    return Response(
        version=packet["ver"],
        sender=packet["sender"],
        id=fields.text(packet, "id"),
        data=packet.get("data"),
        error=None if success else fields.mapping(packet, "error"),
        meta=fields.mapping(packet, "meta"),
        headers=fields.mapping(packet, "headers"),
        stream=packet.get("stream") is True,
        seq=_seq(packet),
        progress=packet.get("progress") is True,
    )


def _event(packet: Fields) -> EventPacket:
    groups = packet.get("groups")
    if groups is not None and not (isinstance(groups, list) and all(isinstance(group, str) for group in groups)):
        raise BadPacket("groups is neither a list of texts nor null")
    return EventPacket(
        version=packet["ver"],
        sender=packet["sender"],
        id=fields.optional_text(packet, "id") or "",
        event=fields.text(packet, "event"),
        data=packet.get("data"),
        groups=tuple(groups or ()),
        broadcast=packet.get("broadcast") is True,
        meta=fields.mapping(packet, "meta"),
        level=_level(packet),
        request_id=fields.optional_text(packet, "requestID") or "",
        parent_id=fields.optional_text(packet, "parentID"),
        caller=fields.optional_text(packet, "caller"),
        headers=fields.mapping(packet, "headers"),
    )


def _info(packet: Fields) -> Info:
    return Info(packet["ver"], node_info.from_fields(packet))


def _heartbeat(packet: Fields) -> Heartbeat:
    seq = fields.number(packet, "seq", -1)
    return Heartbeat(
        packet["ver"],
        packet["sender"],
        int(seq) if seq >= 0 else None,
        fields.optional_text(packet, "instanceID"),
        min(fields.number(packet, "interval", 0), INTERVAL_SECONDS_MAX) or None,
    )


def _ping(packet: Fields) -> Ping:
    return Ping(packet["ver"], packet["sender"], _ping_id(packet), fields.number(packet, "time", 0))


def _pong(packet: Fields) -> Pong:
    time, arrived = fields.number(packet, "time", 0), fields.number(packet, "arrived", 0)
    return Pong(packet["ver"], packet["sender"], _ping_id(packet), time, arrived)


def _progress(packet: Fields) -> Progress:
    done = packet.get("done") is True
    return Progress(packet["ver"], packet["sender"], fields.text(packet, "id"), _seq(packet) or 0, done)


def _ping_id(packet: Fields) -> str:
    return fields.optional_text(packet, "id") or ""


def _level(packet: Fields) -> int:
    return int(min(fields.number(packet, "level", 1), LEVEL_KNOWN_MAX))


def _seq(packet: Fields) -> int | None:
    seq = packet.get("seq")
    if seq is None:
        return None
    if isinstance(seq, bool) or not isinstance(seq, int) or seq < 0:
        raise BadPacket("seq is not a number from 0")
    return seq


def _timeout(packet: Fields) -> float:
    """None and 0 both mean "no timeout" to a foreign node."""
    asked = fields.number(packet, "timeout", 0)
    return min(asked or TIMEOUT_MILLISECONDS_MAX, TIMEOUT_MILLISECONDS_MAX)


_DECODERS: dict[Kind, Callable[[Fields], Packet]] = {
    Kind.REQUEST: _request,
    Kind.ORDER: _request,
    Kind.RESPONSE: _response,
    Kind.EVENT: _event,
    Kind.INFO: _info,
    Kind.DISCOVER: lambda packet: Discover(packet["ver"], packet["sender"]),
    Kind.DISCONNECT: lambda packet: Disconnect(packet["ver"], packet["sender"]),
    Kind.HEARTBEAT: _heartbeat,
    Kind.PING: _ping,
    Kind.PONG: _pong,
    Kind.STREAM: _progress,
}
