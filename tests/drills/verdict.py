"""What a drill found: the line that machines read, and the file for people.

acknowledged       writes, each of which changed one row or several: `changes` altogether
lost, doubled      writes that were acknowledged and are not there, or are there twice
anomalies          everything else that the checkers found, members that differ among it
by_hand            faults after which the members did not find each other by themselves
unresolved         writes of which nobody ever learned what came of them
control_found      the checkers found something in every workload of the positive control
read_gap_s, write_gap_s    the longest time in which no read, no write was answered anywhere
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson

from tests.drills.clients import Sample
from tests.drills.faults import Happened
from tests.drills.history import Anomaly, Kind

DRILL = "writes"
WRITES = {"read": False, "write": True}


@dataclass(frozen=True)
class Verdict:
    seed: int
    seconds: float
    apart: bool
    """Whether there was distance between the regions, and links to cut."""
    clients: int
    begun: float
    faults: Sequence[Happened]
    samples: Sequence[Sample]
    anomalies: Mapping[str, Sequence[Anomaly]]
    control: Mapping[str, Sequence[Anomaly]]
    acknowledged: int
    changes: int
    refused: int
    unresolved: int
    checksums: Mapping[str, Mapping[str, str]]
    """Region to table to checksum."""

    @property
    def members_differ(self) -> bool:
        found = list(self.checksums.values())
        return any(one != another for one, another in pairwise(found))

    @property
    def control_found(self) -> bool:
        return bool(self.control) and all(self.control.values())

    def line(self) -> dict[str, Any]:
        kinds = Counter(anomaly.kind for found in self.anomalies.values() for anomaly in found)
        lost, doubled = kinds.pop(Kind.LOST, 0), kinds.pop(Kind.DOUBLED, 0)
        anomalies = kinds.total() + self.members_differ
        by_hand = sum(fault.by_hand for fault in self.faults)
        return {
            "drill": DRILL,
            "seed": self.seed,
            "seconds": round(self.seconds, 1),
            "apart": self.apart,
            "clients": self.clients,
            "faults": len(self.faults),
            "requests": len(self.samples),
            "failed": self.failed(),
            "read_gap_s": round(longest_gap(self.samples, write=False), 2),
            "write_gap_s": round(longest_gap(self.samples, write=True), 2),
            "write_p99_ms": round(percentile(self.samples, 0.99) * 1000, 1),
            "acknowledged": self.acknowledged,
            "changes": self.changes,
            "refused": self.refused,
            "unresolved": self.unresolved,
            "lost": lost,
            "doubled": doubled,
            "anomalies": anomalies,
            "by_hand": by_hand,
            "control_found": self.control_found,
            "met": not (lost or doubled or anomalies or self.unresolved or by_hand) and self.control_found,
        }

    def failed(self) -> dict[str, int]:
        """Requests that were not answered in time, by what they were and what was said. Most were asked again."""
        kinds = Counter(
            f"{'write' if sample.write else 'read'}_{sample.failed}" for sample in self.samples if sample.failed
        )
        return dict(sorted(kinds.items()))

    def report(self) -> dict[str, Any]:
        return {
            **self.line(),
            "faults_in_order": [self._told(fault) for fault in self.faults],
            "found": {name: [str(anomaly) for anomaly in found] for name, found in self.anomalies.items()},
            "control": {name: Counter(each.kind.value for each in found) for name, found in self.control.items()},
            "members_differ": self.members_differ,
            "checksums": self.checksums,
        }

    def _told(self, fault: Happened) -> dict[str, Any]:
        """In seconds since the drill began; with what failed from its begin until all was in step again."""
        during = [each for each in self.samples if fault.begun <= each.span.begun <= fault.healed]
        times = {name: round(getattr(fault, name) - self.begun, 1) for name in ("begun", "ended", "healed")}
        gaps = {f"{name}_gap_s": round(longest_gap(during, write=write), 2) for name, write in WRITES.items()}
        return (
            asdict(fault) | times | gaps | {"failed_reads": sum(1 for each in during if each.failed and not each.write)}
        )


def write_report(path: Path, verdict: Verdict) -> None:
    path.write_bytes(orjson.dumps(verdict.report(), option=orjson.OPT_INDENT_2))


def longest_gap(samples: Iterable[Sample], *, write: bool) -> float:
    """Between two answers."""
    times = sorted(each.span.ended for each in samples if each.write is write and each.failed is None)
    return max((later - earlier for earlier, later in pairwise(times)), default=0.0)


def percentile(samples: Iterable[Sample], share: float) -> float:
    """Of the times that answered writes took, in seconds."""
    times = sorted(each.span.ended - each.span.begun for each in samples if each.write and each.failed is None)
    return times[min(int(share * len(times)), len(times) - 1)] if times else 0.0
