"""What a server complains of (`-ERR`), translated from its literal messages, counted, and logged once each."""

from __future__ import annotations

import logging
from collections import Counter
from enum import StrEnum

LOGGED_MAX = 256

logger = logging.getLogger(__name__)


class Fault(StrEnum):
    FORBIDDEN = "forbidden"
    """A subject is not for this node. The connection stays."""
    UNAUTHORIZED = "unauthorized"
    """The server does not, or no longer, accept who this node says it is."""
    STALE = "stale"
    """The server had no answers to its pings."""
    SLOW = "slow"
    """The server could not get rid of what this node should have read."""
    TOO_LARGE = "too_large"
    FULL = "full"
    """The server takes no more connections or subscriptions."""
    TLS = "tls"
    PROTOCOL = "protocol"
    RECEIVER = "receiver"
    """Not the server's: whoever takes messages raised."""
    OTHER = "other"


BEGINNINGS = (
    ("permissions violation", Fault.FORBIDDEN),
    ("authorization violation", Fault.UNAUTHORIZED),
    ("authentication timeout", Fault.UNAUTHORIZED),
    ("user authentication", Fault.UNAUTHORIZED),
    ("account authentication", Fault.UNAUTHORIZED),
    ("failed account registration", Fault.UNAUTHORIZED),
    ("stale connection", Fault.STALE),
    ("slow consumer", Fault.SLOW),
    ("maximum payload", Fault.TOO_LARGE),
    ("maximum connections", Fault.FULL),
    ("maximum account active connections", Fault.FULL),
    ("maximum subscriptions", Fault.FULL),
    ("connection throttling", Fault.FULL),
    ("secure connection", Fault.TLS),
    ("unknown protocol", Fault.PROTOCOL),
    ("invalid client protocol", Fault.PROTOCOL),
    ("invalid publish subject", Fault.PROTOCOL),
    ("invalid subject", Fault.PROTOCOL),
    ("maximum control line", Fault.PROTOCOL),
    ("message headers not supported", Fault.PROTOCOL),
    ("parser error", Fault.PROTOCOL),
)


def fault_of(message: str) -> Fault:
    lower = message.strip(" '").lower()
    return next((fault for beginning, fault in BEGINNINGS if lower.startswith(beginning)), Fault.OTHER)


class Faults:
    def __init__(self) -> None:
        self.counts: Counter[Fault] = Counter()
        self._logged: set[str] = set()

    def note(self, server: str, message: str) -> Fault:
        fault = fault_of(message)
        self.counts[fault] += 1
        if message not in self._logged and len(self._logged) < LOGGED_MAX:
            self._logged.add(message)
            logger.warning("%s says: %s (this is logged once)", server, message)
        return fault

    def receiver_failed(self, subject: str, error: Exception) -> None:
        self.counts[Fault.RECEIVER] += 1
        logger.error("whoever listens to %r failed", subject, exc_info=error)
