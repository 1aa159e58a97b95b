"""Large packets read late are the same as large packets read at once."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.streams.chunks import Numbers, decode
from broker.wire import bulky_packets
from broker.wire.fields import BadPacket
from broker.wire.packets import Request, Response
from broker.wire.packets import decode as decode_packet
from broker.wire.topics import Kind
from tests.broker.wire.test_packets import JSON

BUFFERS = st.binary(max_size=50).map(lambda data: {"type": "Buffer", "data": list(data)})
VALUES = BUFFERS | JSON | st.dictionaries(st.text(max_size=3), BUFFERS, max_size=3)
FIELDS = {Kind.REQUEST: "params", Kind.RESPONSE: "data"}


def packet(kind: Kind, value: Any, **fields: Any) -> bytes:
    common = {"id": "1", "action": "x.y", "success": True, "stream": True, "seq": 1}
    return orjson.dumps(common | {FIELDS[kind]: value} | fields | {"ver": "5", "sender": "theirs"})


def carried(read: Any) -> Any:
    return read.params if isinstance(read, Request) else read.data


@given(st.sampled_from(sorted(FIELDS)), VALUES, VALUES, st.sampled_from([0, 1, None]))
def test_a_chunk_is_the_same_read_late_or_at_once(kind: Kind, value: Any, other: Any, seq: int | None) -> None:
    payload = packet(kind, value, meta={"other": other}, seq=seq)
    late, at_once = bulky_packets.read(kind, payload), decode_packet(kind, payload)
    assert isinstance(late, Request | Response)
    assert decode(carried(late)) == decode(carried(at_once))
    assert late.meta == at_once.meta  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", FIELDS)
def test_bytes_of_a_stream_are_left_unread(kind: Kind) -> None:
    assert carried(bulky_packets.read(kind, packet(kind, {"type": "Buffer", "data": [1, 2]}))) == Numbers(b"1,2")


@pytest.mark.parametrize("written", [b"1,,2", b"1,256", b'"a"', b"{}", b"-1", b"1.5", b"1,2]]"])
def test_what_is_no_list_of_bytes_is_refused_when_it_is_read(written: bytes) -> None:
    with pytest.raises(BadPacket):
        decode(Numbers(written))


@given(st.sampled_from(sorted(FIELDS)), st.binary(max_size=100))
def test_refuses_arbitrary_bytes_with_the_one_declared_error(kind: Kind, payload: bytes) -> None:
    with pytest.raises(BadPacket):
        bulky_packets.read(kind, payload + b'{"type":"Buffer","data":[1]}')
