"""The short way of reading a packet says what the long way says, whatever comes in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.wire import usual_packets
from broker.wire.fields import BadPacket
from broker.wire.packets import Packet, Request, Response, decode
from broker.wire.topics import Kind
from broker.wire.usual_packets import read_request, read_response

WAYS = [(Kind.REQUEST, read_request), (Kind.RESPONSE, read_response)]
REQUEST = Request("5", "west-1", "1a", "echo.say", {"text": "hello"}, {"a": 1}, 4999.5, 1, "1a", None, None)
RESPONSE = Response("5", "west-1", "1a", {"text": "hello"}, None, {"a": 1})

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-10, 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
keys = [*orjson.loads(REQUEST.encode()), *orjson.loads(RESPONSE.encode()), "headers", "seq", "progress", "error"]


def outcome(read: Callable[[bytes], Packet], payload: bytes) -> Any:
    try:
        return read(payload)
    except BadPacket as fault:
        return str(fault)


def same(kind: Kind, read: Callable[[bytes], Packet], payload: bytes) -> bool:
    short, long = outcome(read, payload), outcome(lambda each: decode(kind, each), payload)
    return type(short) is type(long) and repr(short) == repr(long)


@pytest.mark.parametrize(("kind", "read"), WAYS, ids=str)
@pytest.mark.parametrize("packet", [REQUEST, RESPONSE], ids=lambda packet: type(packet).__name__)
@given(
    changes=st.dictionaries(st.sampled_from(keys), anything, max_size=3),
    left_out=st.sets(st.sampled_from(keys), max_size=2),
)
def test_reads_any_variation_of_a_packet_alike(
    kind: Kind, read: Callable[[bytes], Packet], packet: Request | Response, changes: dict[str, Any], left_out: set[str]
) -> None:
    fields = orjson.loads(packet.encode()) | changes
    assert same(kind, read, orjson.dumps({key: value for key, value in fields.items() if key not in left_out}))


@pytest.mark.parametrize(("kind", "read"), WAYS, ids=str)
@pytest.mark.parametrize("number", [b"18446744073709551616", b"-9223372036854775809", b"100000000000000000000"])
def test_reads_huge_numbers_alike(kind: Kind, read: Callable[[bytes], Packet], number: bytes) -> None:
    packet = REQUEST if kind is Kind.REQUEST else RESPONSE
    assert same(kind, read, packet.encode().replace(b'{"a":1}', b'{"a":' + number + b"}"))


@pytest.mark.parametrize(("kind", "read"), WAYS, ids=str)
@given(payload=st.binary(max_size=80) | anything.map(orjson.dumps))
def test_reads_what_is_no_packet_alike(kind: Kind, read: Callable[[bytes], Packet], payload: bytes) -> None:
    assert same(kind, read, payload)


@pytest.mark.parametrize("version", ["4", "5"])
def test_takes_what_nodes_of_ours_send_the_short_way(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def long_way(kind: Kind, payload: bytes) -> Packet:
        raise AssertionError(f"{kind} went the long way")

    monkeypatch.setattr(usual_packets, "decode", long_way)
    request = REQUEST._replace(version=version, headers={"key": "k"}, parent_id="p", caller="courses", level=3)
    assert read_request(request.encode()) == request
    assert read_request(REQUEST.encode()) == REQUEST
    assert read_response(RESPONSE._replace(version=version).encode()) == RESPONSE._replace(version=version)
