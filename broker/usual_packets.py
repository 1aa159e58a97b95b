"""The packets of which thousands come in each second, read the short way.

Requests and responses that look as nearly all of them do are taken at once. Whatever looks different in any way, good
or bad, is left to `packets.decode`, whose word is the last.
"""

from __future__ import annotations

from operator import itemgetter

import orjson

from broker import bulky_packets
from broker.bulky_packets import BULKY_BYTES
from broker.packets import NO_HEADERS, TIMEOUT_MILLISECONDS_MAX, VERSIONS, Packet, Request, Response, decode
from broker.topics import Kind, is_node_id

LEVEL_MAX = 32
"""Deeper is not usual."""

_request_fields = itemgetter(
    "ver",
    "sender",
    "id",
    "action",
    "params",
    "meta",
    "timeout",
    "level",
    "requestID",
    "parentID",
    "caller",
    "stream",
)
_response_fields = itemgetter("ver", "sender", "id", "success", "data", "meta")


def read_request(payload: bytes) -> Packet:
    """Raises `BadPacket`, as `decode` does."""
    if len(payload) > BULKY_BYTES:
        return bulky_packets.read(Kind.REQUEST, payload)
    try:
        packet = orjson.loads(payload)
        version, sender, call, action, params, meta, timeout, level, request, parent, caller, stream = _request_fields(
            packet
        )
        headers = packet.get("headers", NO_HEADERS)
    except (ValueError, KeyError, TypeError):
        return decode(Kind.REQUEST, payload)
    if (
        version in VERSIONS
        and type(sender) is type(call) is type(action) is type(request) is str
        and call
        and action
        and request
        and is_node_id(sender)
        and type(meta) is type(headers) is dict
        and (type(timeout) is float or type(timeout) is int)
        and 0 < timeout <= TIMEOUT_MILLISECONDS_MAX
        and type(level) is int
        and 0 <= level <= LEVEL_MAX
        and (parent is None or type(parent) is str)
        and (caller is None or type(caller) is str)
        and stream is False
        and "seq" not in packet
        and "progress" not in packet
    ):
        return Request(version, sender, call, action, params, meta, timeout, level, request, parent, caller, headers)
    return decode(Kind.REQUEST, payload)


def read_response(payload: bytes) -> Packet:
    """Raises `BadPacket`, as `decode` does."""
    if len(payload) > BULKY_BYTES:
        return bulky_packets.read(Kind.RESPONSE, payload)
    try:
        packet = orjson.loads(payload)
        version, sender, call, success, data, meta = _response_fields(packet)
        headers = packet.get("headers", NO_HEADERS)
    except (ValueError, KeyError, TypeError):
        return decode(Kind.RESPONSE, payload)
    if (
        success is True
        and version in VERSIONS
        and type(sender) is type(call) is str
        and call
        and is_node_id(sender)
        and type(meta) is type(headers) is dict
        and not packet.get("stream")
        and "seq" not in packet
        and "progress" not in packet
    ):
        return Response(version, sender, call, data, None, meta, headers)
    return decode(Kind.RESPONSE, payload)
