"""As much of an IPv4 packet as a link needs to know: where it goes, and through which ports."""

from __future__ import annotations

VERSION_4 = 4
HEADER_BYTES_MIN = 20
PROTOCOL_AT = 9
FRAGMENT_AT = 6
FRAGMENT_OFFSET_BITS = 0x1FFF
WITH_PORTS = frozenset({6, 17})
"""TCP and UDP."""


def destination(packet: bytes) -> tuple[int, int, int, int] | None:
    """The four numbers of its address; None for what is no IPv4, such as the kernel's own IPv6 greetings."""
    if len(packet) < HEADER_BYTES_MIN or packet[0] >> 4 != VERSION_4:
        return None
    return packet[16], packet[17], packet[18], packet[19]


def ports(packet: bytes) -> frozenset[int]:
    """Source and destination. Later fragments do not say; without their first one they are worth nothing."""
    at = (packet[0] & 0x0F) * 4
    later = int.from_bytes(packet[FRAGMENT_AT : FRAGMENT_AT + 2], "big") & FRAGMENT_OFFSET_BITS
    if packet[PROTOCOL_AT] not in WITH_PORTS or later or len(packet) < at + 4:
        return frozenset()
    return frozenset((int.from_bytes(packet[at : at + 2], "big"), int.from_bytes(packet[at + 2 : at + 4], "big")))
