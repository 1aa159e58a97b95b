from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import orjson
import pytest

from tests.drills.clients import Sample
from tests.drills.faults import Happened
from tests.drills.history import Anomaly, Kind, Span
from tests.drills.picture import picture
from tests.drills.verdict import Verdict, longest_gap, percentile, write_report

FAULTS = [Happened("kill_member", "west", 1.0, 1.2, 5.0, by_hand=False)]
SAMPLES = [
    Sample(True, Span(0.0, 0.1)),
    Sample(True, Span(2.0, 4.1), "unavailable"),
    Sample(True, Span(5.0, 5.2)),
    Sample(False, Span(0.0, 0.3)),
    Sample(False, Span(1.5, 2.0), "timeout"),
]
FOUND = {"counter": [Anomaly(Kind.LOST, "one")]}
LOST, DOUBLED, STALE = (Anomaly(kind, "x") for kind in (Kind.LOST, Kind.DOUBLED, Kind.STALE))
SAME = {"west": {"t": "1"}, "east": {"t": "1"}}


def verdict(
    *anomalies: Anomaly,
    control: Mapping[str, Sequence[Anomaly]] = FOUND,
    unresolved: int = 0,
    checksums: object = None,
    faults: Sequence[Happened] = FAULTS,
) -> Verdict:
    members = checksums if isinstance(checksums, dict) else SAME
    found = {"counter": list(anomalies)}
    return Verdict(7, 60.0, False, 4, 0.0, faults, SAMPLES, found, control, 2, 5, 0, unresolved, members)


def test_a_drill_without_findings_is_met() -> None:
    assert verdict().line()["met"] is True


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (verdict(LOST), "lost"),
        (verdict(DOUBLED), "doubled"),
        (verdict(STALE), "anomalies"),
        (verdict(unresolved=1), "unresolved"),
        (verdict(faults=[replace(FAULTS[0], by_hand=True)]), "by_hand"),
        (verdict(checksums={"west": {"t": "1"}, "east": {"t": "2"}}), "anomalies"),
    ],
)
def test_whatever_is_found_counts_and_the_drill_is_not_met(bad: Verdict, field: str) -> None:
    assert (bad.line()[field], bad.line()["met"]) == (1, False)


@pytest.mark.parametrize("control", [{}, {"counter": []}, {**FOUND, "bank": []}])
def test_a_drill_whose_control_found_nothing_is_not_met(control: Mapping[str, Sequence[Anomaly]]) -> None:
    line = verdict(control=control).line()
    assert (line["control_found"], line["met"]) == (False, False)


def test_requests_that_failed_are_counted_by_what_they_were() -> None:
    assert verdict().line()["failed"] == {"read_timeout": 1, "write_unavailable": 1}


def test_a_gap_is_between_two_answers() -> None:
    assert longest_gap(SAMPLES, write=True) == pytest.approx(5.1)
    assert longest_gap(SAMPLES, write=False) == 0.0


def test_a_percentile_is_of_answered_writes() -> None:
    assert percentile(SAMPLES, 0.99) == pytest.approx(0.2)
    assert percentile([], 0.99) == 0.0


def test_a_report_has_the_findings_and_what_failed_during_each_fault(tmp_path: Path) -> None:
    write_report(tmp_path / "report.json", verdict(LOST))

    report = orjson.loads((tmp_path / "report.json").read_bytes())
    assert report["found"] == {"counter": ["lost: x"]}
    assert report["control"] == {"counter": {"lost": 1}}
    assert [fault["failed_reads"] for fault in report["faults_in_order"]] == [1]


def test_a_picture_marks_each_fault() -> None:
    drawn = picture("<a drill>", 0.0, SAMPLES, FAULTS)
    ElementTree.fromstring(drawn)
    assert drawn.count("kill_member west") == 1
