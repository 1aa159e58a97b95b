"""What an outage cost: the line that machines read, and the row for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.table import Table

from lab.users import account
from tests.drills.outage.goals import Lived
from tests.drills.outage.outages import Outage

COLUMNS = (
    "drill",
    "region",
    "requests",
    "failed",
    "read gap",
    "write gap",
    "misdirected",
    "acknowledged",
    "lost",
    "goal",
)


@dataclass(frozen=True)
class Verdict:
    outage: Outage
    seed: int
    lived: Lived

    @property
    def missed(self) -> list[str]:
        return self.outage.missed(self.lived)

    def line(self) -> dict[str, Any]:
        lived = self.lived
        return {
            "drill": self.outage.name,
            "seed": self.seed,
            "region": lived.region,
            "seconds": round(lived.ended - lived.begun, 1),
            "healed_s": round(lived.healed - lived.healing, 1),
            "faults": 1,
            "requests": len(lived.records),
            "failed": account.failed(lived.records),
            "read_gap_s": round(lived.gap(write=False), 2),
            "write_gap_s": round(lived.gap(write=True), 2),
            "misdirected_s": round(lived.misdirected, 2),
            "last_failed_read_s": round(account.last_failure(lived.of(write=False), begun=lived.begun), 2),
            "slowest_browser_read_s": round(account.slowest(lived.of(kind="browser", write=False)), 2),
            "acknowledged": len(lived.acknowledged),
            "lost": len(lived.lost),
            "doubled": len(lived.doubled),
            "flaps": lived.flaps,
            "users_late_s": round(lived.held_up_seconds, 2),
            "missed": self.missed,
            "met": not self.missed,
        }


def table(verdicts: list[Verdict]) -> Table:
    found = Table(*COLUMNS, title="outages")
    for verdict in verdicts:
        line = verdict.line()
        found.add_row(
            line["drill"], line["region"], str(line["requests"]), failures(line["failed"]),
            f"{line['read_gap_s']:.2f} s", f"{line['write_gap_s']:.2f} s", f"{line['misdirected_s']:.2f} s",
            str(line["acknowledged"]), str(line["lost"]), "met" if line["met"] else "; ".join(line["missed"]),
        )  # fmt: skip
    return found


def failures(failed: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in failed.items()) or "0"
