"""One direction of one link: when a packet that is sent now arrives, or why it does not.

    loss -> queue in front of the wire -> the wire, so many bits a second -> distance -> the other side

Nothing here waits or knows a packet's content: it computes, with the time and the random generator as arguments.
"""

from __future__ import annotations

from enum import Enum
from random import Random
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

QUEUE_KILOBYTES = 1_000
"""In front of a wire of limited bandwidth: 80 ms of 100 Mbit/s, as much as routers have."""
UNDER_WAY_BYTES_MAX = 64 * 1024 * 1024
"""On one link without a limit of bandwidth: 4 Gbit/s over 120 ms. A bound of memory, which no trial has come near."""
NANOSECONDS_A_MILLISECOND = 1_000_000
BITS_A_BYTE = 8

Port = Annotated[int, Field(ge=1, le=65_535)]


class LinkSettings(BaseModel):
    """`delay_ms` is one-way and the least that a packet takes; `jitter_ms` is the most that chance adds to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    delay_ms: Annotated[float, Field(ge=0, le=10_000)] = 0.0
    jitter_ms: Annotated[float, Field(ge=0, le=10_000)] = 0.0
    loss: Annotated[float, Field(ge=0, le=1)] = 0.0
    bandwidth_mbit: Annotated[float, Field(gt=0, le=100_000)] | None = None
    """None: as much as the forwarder carries."""
    queue_kilobytes: Annotated[float, Field(ge=2, le=1_000_000)] = QUEUE_KILOBYTES
    reorder: bool = False
    """Whether jitter may let a packet overtake another."""
    cut: bool = False
    cut_ports: frozenset[Port] = frozenset()
    """Of TCP and UDP, on either side."""

    def changed(self, changes: dict[str, object]) -> LinkSettings:
        """Raises `ValidationError`."""
        return LinkSettings.model_validate(self.model_dump() | changes)


class Fate(Enum):
    """What became of a packet that does not arrive."""

    LOST = "lost"
    OVERFLOWED = "overflowed"
    CUT = "cut"


class Link:
    def __init__(self, settings: LinkSettings, random: Random) -> None:
        self._random = random
        self._wire_free_at_ns = 0
        self._last_arrival_ns = 0
        self.under_way_bytes = 0
        self.change(settings)

    def change(self, settings: LinkSettings) -> None:
        """For packets sent from now on; those under way arrive as they would have."""
        self.settings = settings
        self.cut_ports = settings.cut_ports
        self._delay_ns = round(settings.delay_ms * NANOSECONDS_A_MILLISECOND)
        self._jitter_ns = round(settings.jitter_ms * NANOSECONDS_A_MILLISECOND)
        bits_a_ns = None if settings.bandwidth_mbit is None else settings.bandwidth_mbit / 1_000
        self._ns_a_byte = 0.0 if bits_a_ns is None else BITS_A_BYTE / bits_a_ns
        self._queue_ns = settings.queue_kilobytes * 1_000 * self._ns_a_byte

    def send(self, size_bytes: int, now_ns: int) -> int | Fate:
        """When it arrives. Whoever delivers it then says so with `arrived`."""
        settings = self.settings
        if settings.cut:
            return Fate.CUT
        if settings.loss and self._random.random() < settings.loss:
            return Fate.LOST
        if self.under_way_bytes + size_bytes > UNDER_WAY_BYTES_MAX:
            return Fate.OVERFLOWED
        sent_ns = self._through_the_wire(size_bytes, now_ns)
        if sent_ns is None:
            return Fate.OVERFLOWED
        self.under_way_bytes += size_bytes
        return self._across(sent_ns)

    def arrived(self, size_bytes: int) -> None:
        self.under_way_bytes -= size_bytes

    def _through_the_wire(self, size_bytes: int, now_ns: int) -> int | None:
        """When its last bit has left; None if the queue is full."""
        if not self._ns_a_byte:
            return now_ns
        begins_ns = max(now_ns, self._wire_free_at_ns)
        takes_ns = size_bytes * self._ns_a_byte
        if begins_ns - now_ns + takes_ns > self._queue_ns:
            return None
        self._wire_free_at_ns = begins_ns + round(takes_ns)
        return self._wire_free_at_ns

    def _across(self, sent_ns: int) -> int:
        arrival_ns = sent_ns + self._delay_ns
        if self._jitter_ns:
            arrival_ns += int(self._random.random() * self._jitter_ns)
        if not self.settings.reorder:
            arrival_ns = max(arrival_ns, self._last_arrival_ns)
            self._last_arrival_ns = arrival_ns
        return arrival_ns
