"""Large packets. One that carries a chunk of a foreign stream is not read whole until somebody reads the chunk.

Moleculer writes bytes as a list of numbers and sends as fast as it can, which is faster than such lists can be read
here. If all were read as it comes, what comes in for other calls would wait behind it in the server, until that gives
the connection up. So the list is set aside as it is: what nobody reads in time costs one stream, and nothing else.
"""

from __future__ import annotations

from secrets import token_hex
from typing import Final

from broker.streams.chunks import Numbers
from broker.wire.packets import Packet, Request, Response, decode
from broker.wire.topics import Kind

BULKY_BYTES: Final = 8 * 1024
BEGINNING, END = b'{"type":"Buffer","data":[', b"]}"
PLACEHOLDER = f"numbers-{token_hex(16)}"
"""Stands for the list; nobody else can write it."""


def read(kind: Kind, payload: bytes) -> Packet:
    """Raises `BadPacket`, as `decode` does."""
    start = payload.find(BEGINNING)
    end = payload.find(b"]", start)
    if start < 0 or not payload.startswith(END, end):
        return decode(kind, payload)
    packet = decode(kind, b'%b"%b"%b' % (payload[:start], PLACEHOLDER.encode(), payload[end + len(END) :]))
    numbers = Numbers(payload[start + len(BEGINNING) : end])
    if isinstance(packet, Request) and packet.seq is not None and packet.params == PLACEHOLDER:
        return packet._replace(params=numbers)
    if isinstance(packet, Response) and packet.seq is not None and packet.data == PLACEHOLDER:
        return packet._replace(data=numbers)
    return decode(kind, payload)
