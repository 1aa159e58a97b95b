"""The words in which workloads tell what they did, and checkers what was wrong with it.

Times are seconds of one monotonic clock, that of the clients: a write whose `ended` lies before another's `begun` was
first, whatever the regions' clocks say.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    ACKNOWLEDGED = "acknowledged"
    """The system said that it happened."""
    REFUSED = "refused"
    """The system said that it did not, and never will."""
    UNKNOWN = "unknown"
    """Nobody said anything: a lost connection, a deadline. It may even happen later."""


class Kind(StrEnum):
    LOST = "lost"
    """Acknowledged, and not there."""
    DOUBLED = "doubled"
    """Asked for once, and there more than once."""
    REFUSED_SEEN = "refused_seen"
    """Refused, and there. Of transactions: an aborted read, G1a."""
    INVENTED = "invented"
    """There, and nobody asked for it."""
    LOST_UPDATE = "lost_update"
    """An update overwrote one that it had not seen."""
    STALE = "stale"
    """A read that promised to be fresh missed what was acknowledged before it began."""
    DIVERGED = "diverged"
    """Two reads that cannot be of one history."""
    UNBALANCED = "unbalanced"
    """A sum that always holds did not hold."""
    INTERMEDIATE_READ = "intermediate_read"
    """A state seen that existed only inside of another transaction, G1b."""
    NOT_OWN = "not_own"
    """A transaction that did not see what it had written or read itself."""
    WRITE_CYCLE = "write_cycle"
    """Transactions that overwrote each other crosswise, G0."""
    CIRCULAR_FLOW = "circular_flow"
    """Transactions each of which saw the other's effect, G1c."""
    SINGLE_ANTI_DEPENDENCY = "single_anti_dependency"
    """A transaction that saw a part of another and missed the rest, G-single: read skew, lost updates."""


@dataclass(frozen=True, slots=True)
class Anomaly:
    kind: Kind
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Span:
    """When a client asked, and when it knew the answer or gave up."""

    begun: float
    ended: float

    def before(self, other: Span) -> bool:
        return self.ended < other.begun
