"""A node that keeps failing is left alone for a while, as long as another can answer.

    admitted -> (some failures in a row, or too many of the recent calls) -> ejected -> (time) -> one call is let
    through -> answered: admitted again; failed: ejected for twice as long

Ejecting beats being told: a node that is connected and does not work is in nobody's list of lost nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Container

from broker.clock import Clock
from broker.config import EJECTION_FAILURES
from broker.pending import CutOff
from broker.refusals import NotSent, NotServed
from schema.errors import MeshError, TimedOut, TooMany, Unavailable

FAILURE_SHARE_MAX = 0.5
"""Of the recent calls: a node that fails every other call is worse than none."""
CALLS_MIN = 20
"""Fewer recent calls say nothing of a share."""
WINDOW_SECONDS = 10.0
"""What is recent: older calls are forgotten this often."""
SILENT_SECONDS = 0.25
"""A node that was asked several times and has answered none of it for so long is taken for dead."""
OVERDUE_MIN = 3
DOUBLINGS_MAX = 3
"""A node that fails whenever it is tried is left alone for up to eight times as long."""
NODES_MAX = 4_096
NOBODY: frozenset[str] = frozenset()


def _not_counted() -> None:
    return


def _not_told(node: str) -> None:
    return


class _Record:
    __slots__ = (
        "calls",
        "doublings",
        "failures",
        "failures_in_a_row",
        "overdue",
        "silent_since_seconds",
        "since_seconds",
        "trial",
        "until_seconds",
    )

    def __init__(self, now_seconds: float) -> None:
        self.failures_in_a_row = 0
        self.calls = self.failures = 0
        self.since_seconds = now_seconds
        self.until_seconds = now_seconds
        """When the next call is let through, once it is ejected."""
        self.trial = False
        """A call was let through, and its outcome decides."""
        self.doublings = 0
        self.overdue = 0
        """Answers for which somebody else was asked since this node was heard last."""
        self.silent_since_seconds = now_seconds

    def is_failing(self, in_a_row_max: int) -> bool:
        if self.failures_in_a_row >= in_a_row_max:
            return True
        return self.calls >= CALLS_MIN and self.failures > self.calls * FAILURE_SHARE_MAX


class Ejections:
    def __init__(
        self,
        clock: Clock,
        seconds: float,
        failures: int = EJECTION_FAILURES,
        on_ejection: Callable[[], None] = _not_counted,
        on_silence: Callable[[str], None] = _not_told,
    ) -> None:
        """`on_silence` is told of a node that is ejected because it does not answer."""
        self._clock = clock
        self._on_ejection = on_ejection
        self._on_silence = on_silence
        self._seconds = seconds
        self._failures = failures
        self._records: dict[str, _Record] = {}
        """Of nodes that failed recently: while all is well there is none, and nothing to look up."""
        self._ejected: set[str] = set()

    def __len__(self) -> int:
        """How many nodes are ejected."""
        return len(self._ejected)

    def note_failure(self, node: str, error: MeshError) -> None:
        """Only failures of the node itself count: who refuses a wrong request is well, and whoever was not reached,
        has no such action any more, or is full, is neither well nor failing."""
        if isinstance(error, (CutOff, NotSent, NotServed, TooMany)):
            return
        if not isinstance(error, (Unavailable, TimedOut)):
            self.note_success(node)
        elif node in self._ejected:
            self._fail_trial(self._records[node])
        else:
            record = self._recent(node)
            record.calls += 1
            record.failures += 1
            record.failures_in_a_row += 1
            if record.is_failing(self._failures):
                self._eject(node, record)

    def note_overdue(self, node: str) -> None:
        """Another node was asked, because this one is slow. If it is silent, nobody will hear of a failure."""
        if node in self._ejected:
            return
        record, now = self._recent(node), self._clock.now()
        if not record.overdue:
            record.silent_since_seconds = now
        record.overdue += 1
        if record.overdue >= OVERDUE_MIN and now - record.silent_since_seconds >= SILENT_SECONDS:
            self._eject(node, record)
            self._on_silence(node)

    def note_heard(self, node: str) -> None:
        """Its answer came too late to be of use: slow it is, but not silent."""
        if node in self._records:
            self._records[node].overdue = 0

    def note_success(self, node: str) -> None:
        if node not in self._records:
            return
        record = self._recent(node)
        record.calls += 1
        record.failures_in_a_row = record.overdue = 0
        well = record.trial if node in self._ejected else not record.failures
        if well:
            self.forget(node)

    def note_chosen(self, node: str) -> None:
        """If it is ejected, this is the call that is let through; no other is until this one should be over."""
        if node in self._ejected:
            record = self._records[node]
            record.trial = True
            record.until_seconds = max(record.until_seconds, self._clock.now() + self._seconds)

    def forget(self, node: str) -> None:
        """It is gone, or well."""
        self._records.pop(node, None)
        self._ejected.discard(node)

    def avoided(self) -> Container[str]:
        """The nodes that may not be asked now. Where that is all of them, trying one beats giving up."""
        if not self._ejected:
            return NOBODY
        now = self._clock.now()
        return frozenset(node for node in self._ejected if not self._may_be_asked(node, now))

    def clear(self) -> None:
        """What looked like failures of nodes was that of the connection to all of them."""
        self._records.clear()
        self._ejected.clear()

    def _may_be_asked(self, node: str, now_seconds: float) -> bool:
        return node not in self._ejected or self._records[node].until_seconds <= now_seconds

    def _eject(self, node: str, record: _Record) -> None:
        self._ejected.add(node)
        self._on_ejection()
        record.until_seconds = self._clock.now() + self._seconds

    def _fail_trial(self, record: _Record) -> None:
        """Failures of calls that were made before it was ejected say nothing new."""
        if record.trial:
            record.trial = False
            self._on_ejection()
            record.doublings = min(record.doublings + 1, DOUBLINGS_MAX)
            record.until_seconds = self._clock.now() + self._seconds * 2**record.doublings

    def _recent(self, node: str) -> _Record:
        now = self._clock.now()
        record = self._records.get(node)
        if record is None:
            if len(self._records) >= NODES_MAX:
                self.forget(next(iter(self._records)))
            record = self._records[node] = _Record(now)
        elif now - record.since_seconds >= WINDOW_SECONDS:
            record.calls = record.failures = 0
            record.since_seconds = now
        return record
