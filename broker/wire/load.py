"""What a reply tells of the node that sent it, in a header of NATS, which nodes that do not know it ignore.

Mesh-Load: 12,0,8400,150        running, waiting, microseconds of work, microseconds of waiting
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

LOAD_HEADER: Final = "Mesh-Load"
MICROSECONDS: Final = 1_000_000
DIGITS_MAX = 12
"""A million seconds, or as many requests: whoever claims more is not believed."""
_LOAD = re.compile(",".join([rf"(\d{{1,{DIGITS_MAX}}})"] * 4), re.ASCII)


class Load(NamedTuple):
    running: int
    """Requests that the node works on, without the one that it answers here."""
    waiting: int
    """Requests that wait for their turn."""
    service_seconds: float
    """What the work of this request took, once it began."""
    queued_seconds: float
    """How long this request waited for its turn."""

    def encode(self) -> str:
        service, queued = round(self.service_seconds * MICROSECONDS), round(self.queued_seconds * MICROSECONDS)
        return f"{self.running},{self.waiting},{service},{queued}"


def parse_load(text: str) -> Load | None:
    """None for what is not a load: it comes from strangers too."""
    if (fields := _LOAD.fullmatch(text)) is None:
        return None
    running, waiting, service, queued = fields.groups()
    return Load(int(running), int(waiting), int(service) / MICROSECONDS, int(queued) / MICROSECONDS)
