"""The packets of which thousands come and go each second, read and written the short way.

Requests and responses that look as nearly all of them do are read by msgspec, which checks their types while it reads.
Whatever looks different in any way, good or bad, is left to `packets`, whose word is the last.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import orjson

from broker.wire import bulky_packets
from broker.wire.bulky_packets import BULKY_BYTES
from broker.wire.packets import TIMEOUT_MILLISECONDS_MAX, VERSIONS, Packet, Request, Response, decode
from broker.wire.topics import Kind, is_node_id
from broker.wire.usual_fields import request_fields, response_fields

LEVEL_MAX: Final = 32
"""Deeper is not usual."""
_HUGE: Final = re.compile(rb"\d{19}")
"""Perhaps an integer beyond 64 bits, which msgspec reads and orjson does not write: `packets` has the last word."""
HEADS_MAX: Final = 4_096
"""Beginnings of packets that are written again and again."""


def read_request(payload: bytes) -> Packet:
    """Raises `BadPacket`, as `decode` does."""
    if len(payload) > BULKY_BYTES:
        return bulky_packets.read(Kind.REQUEST, payload)
    if _HUGE.search(payload) is not None:
        return decode(Kind.REQUEST, payload)
    try:
        usual = request_fields(payload)
    except (ValueError, RecursionError):
        return decode(Kind.REQUEST, payload)
    version, sender, call, action, request = usual.ver, usual.sender, usual.id, usual.action, usual.requestID
    timeout, level = usual.timeout, usual.level
    if (
        version in VERSIONS
        and call
        and action
        and request
        and is_node_id(sender)
        and 0 < timeout <= TIMEOUT_MILLISECONDS_MAX
        and 0 <= level <= LEVEL_MAX
        and not usual.stream
        and usual.seq is None
        and usual.progress is None
    ):
        parent, caller, headers = usual.parentID, usual.caller, usual.headers
        return Request(
            version, sender, call, action, usual.params, usual.meta, timeout, level, request, parent, caller, headers
        )
    return decode(Kind.REQUEST, payload)


def read_response(payload: bytes) -> Packet:
    """Raises `BadPacket`, as `decode` does."""
    if len(payload) > BULKY_BYTES:
        return bulky_packets.read(Kind.RESPONSE, payload)
    if _HUGE.search(payload) is not None:
        return decode(Kind.RESPONSE, payload)
    try:
        usual = response_fields(payload)
    except (ValueError, RecursionError):
        return decode(Kind.RESPONSE, payload)
    version, sender, call = usual.ver, usual.sender, usual.id
    if (
        usual.success
        and version in VERSIONS
        and call
        and is_node_id(sender)
        and usual.stream is None
        and usual.seq is None
        and usual.progress is None
    ):
        return Response(version, sender, call, usual.data, None, usual.meta, usual.headers)
    return decode(Kind.RESPONSE, payload)


@lru_cache(HEADS_MAX)
def request_head(version: str, sender: str, action: str) -> bytes:
    """Of requests that begin a chain of calls and carry nothing but their parameters."""
    packet = {
        "ver": version,
        "sender": sender,
        "action": action,
        "meta": {},
        "level": 1,
        "tracing": None,
        "parentID": None,
        "caller": None,
        "stream": False,
    }
    return orjson.dumps(packet)[:-1]


def write_request(head: bytes, call: str, params: bytes, timeout_milliseconds: float) -> bytes:
    """`call` is an id of ours, which begins the chain: hexadecimal, so that it needs no quoting."""
    name = call.encode()
    return b'%b,"id":"%b","requestID":"%b","timeout":%.3f,"params":%b}' % (
        head,
        name,
        name,
        timeout_milliseconds,
        params,
    )


@lru_cache(HEADS_MAX)
def response_head(version: str, sender: str) -> bytes:
    """Of results without a meta."""
    return orjson.dumps({"ver": version, "sender": sender, "success": True, "meta": {}})[:-1]


def write_response(head: bytes, call: str, data: bytes) -> bytes:
    """`call` is whatever the caller made up."""
    return b'%b,"id":%b,"data":%b}' % (head, orjson.dumps(call), data)
