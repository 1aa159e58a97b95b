"""A stream's chunks as JSON values, cut so that none is larger than the mesh carries.

Moleculer writes bytes as `{"type": "Buffer", "data": [104, 105]}`, which is up to four times their size; what matters
is the size as written, since a server closes the connection of who sends it more than it takes. Between nodes of ours
bytes travel as base64, which is a third larger than they are and costs a tenth of the time.
"""

from __future__ import annotations

from binascii import Error as BadBase64
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import orjson

from broker.wire.fields import BadPacket

BUFFER, BASE64 = "Buffer", "Base64"
BUFFER_BYTES_PER_BYTE = 4
"""`255,`: the longest that one byte can become."""
WRAPPING_BYTES = 64
CHUNK_BYTES_MAX = 64 * 1024
"""Enough to make the packet around it cheap; small enough that no other call waits for long behind it."""
CHUNK_BYTES_MIN = 16

Bytes: TypeAlias = bytes | bytearray | memoryview


class Numbers(NamedTuple):
    """Bytes as Moleculer writes them, not read yet."""

    written: bytes


def is_bytes(chunk: Any) -> bool:
    return isinstance(chunk, (bytes, bytearray, memoryview))


def encode_bytes(chunk: Bytes, *, packed: bool) -> orjson.Fragment:
    """`packed`: for a node of ours."""
    if packed:
        return orjson.Fragment(b'{"type":"Base64","data":"%b"}' % b2a_base64(chunk, newline=False))
    return orjson.Fragment(b'{"type":"Buffer","data":%b}' % orjson.dumps(list(chunk)))


def decode(value: Any) -> Any:
    """Bytes if they are written as such, else the value itself. Raises `BadPacket`."""
    if isinstance(value, Numbers):
        return _from_list(_listed(value.written))
    if not isinstance(value, dict) or value.keys() != {"type", "data"}:
        return value
    kind, data = value["type"], value["data"]
    if kind == BASE64 and isinstance(data, str):
        return _from_base64(data)
    return _from_list(data) if kind == BUFFER and isinstance(data, list) else value


def held_bytes(value: Any) -> int:
    """About what it takes to keep it as it came, in memory."""
    if isinstance(value, Numbers):
        return len(value.written)
    return len(value) if isinstance(value, str) else len(orjson.dumps(value))


def chunk_bytes_max(payload_bytes_max: int, envelope_bytes: int, *, packed: bool) -> int:
    """How many bytes fit into one packet whose other fields take `envelope_bytes`; at most `CHUNK_BYTES_MAX`."""
    room_bytes = payload_bytes_max - envelope_bytes - WRAPPING_BYTES
    fitting = room_bytes // 4 * 3 if packed else room_bytes // BUFFER_BYTES_PER_BYTE
    return max(CHUNK_BYTES_MIN, min(fitting, CHUNK_BYTES_MAX))


def cut(chunk: Bytes, size_bytes: int) -> Iterator[Bytes]:
    """Nothing of an empty chunk."""
    if 0 < len(chunk) <= size_bytes:
        yield chunk
        return
    view = memoryview(chunk)
    for start in range(0, len(view), size_bytes):
        yield view[start : start + size_bytes]


def _from_base64(data: str) -> bytes:
    try:
        return a2b_base64(data, strict_mode=True)
    except (BadBase64, ValueError):
        raise BadPacket("a chunk is not base64") from None


def _listed(written: bytes) -> Any:
    try:
        return orjson.loads(b"[%b]" % written)
    except orjson.JSONDecodeError:
        raise BadPacket("a chunk is not a list of numbers") from None


def _from_list(data: Any) -> bytes:
    try:
        return bytes(data)
    except (TypeError, ValueError):
        raise BadPacket("a chunk has something else than bytes") from None
