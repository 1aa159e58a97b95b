"""Chunks come out as they went in, and none is larger than the mesh carries."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.streams.chunks import CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, chunk_bytes_max, cut, decode, encode_bytes
from broker.wire.fields import BadPacket

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("dataypebf", max_size=4), inner, max_size=3),
    max_leaves=10,
)


@given(st.binary(max_size=2_000), st.booleans())
def test_bytes_come_out_as_they_went_in(chunk: bytes, packed: bool) -> None:
    assert decode(orjson.loads(orjson.dumps(encode_bytes(chunk, packed=packed)))) == chunk


@given(st.binary(max_size=2_000), st.integers(1, 500))
def test_pieces_are_the_whole_and_none_is_larger_than_asked(chunk: bytes, size_bytes: int) -> None:
    pieces = [bytes(piece) for piece in cut(chunk, size_bytes)]
    assert b"".join(pieces) == chunk
    assert all(0 < len(piece) <= size_bytes for piece in pieces)


@given(st.integers(4_000, 8 * 1024 * 1024), st.integers(100, 3_000), st.booleans())
def test_the_longest_bytes_fit_into_a_payload(payload_bytes: int, envelope_bytes: int, packed: bool) -> None:
    size_bytes = chunk_bytes_max(payload_bytes, envelope_bytes, packed=packed)
    assert CHUNK_BYTES_MIN <= size_bytes <= CHUNK_BYTES_MAX
    written = orjson.dumps(encode_bytes(b"\xff" * size_bytes, packed=packed))
    assert len(written) + envelope_bytes <= payload_bytes


@given(JSON)
def test_other_values_are_left_as_they_are(value: Any) -> None:
    assert decode(value) == value


@pytest.mark.parametrize(
    "value",
    [
        {"type": "Buffer", "data": [1, 256]},
        {"type": "Buffer", "data": [-1]},
        {"type": "Buffer", "data": ["a"]},
        {"type": "Buffer", "data": [[1]]},
        {"type": "Buffer", "data": [1.5]},
        {"type": "Base64", "data": "***"},
        {"type": "Base64", "data": "YQ"},
        {"type": "Base64", "data": "ü"},
    ],
)
def test_refuses_bytes_that_are_none(value: Any) -> None:
    with pytest.raises(BadPacket):
        decode(value)


@pytest.mark.parametrize("value", [{"type": "Buffer", "data": "text"}, {"type": "Buffer"}, {"type": 1, "data": []}])
def test_takes_what_only_looks_like_bytes_for_a_value(value: Any) -> None:
    assert decode(value) == value
