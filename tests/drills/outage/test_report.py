from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import orjson

from tests.drills.outage.outages import OUTAGES
from tests.drills.outage.report import LINES, PAGE, write_report
from tests.drills.outage.test_goals import asked, lived
from tests.drills.outage.verdict import Verdict, failures, table

OUTAGE = next(each for each in OUTAGES if each.name == "region-killed")
MET = Verdict(OUTAGE, 7, lived())
MISSED = Verdict(OUTAGE, 7, lived(asked(101, "<b>refused</b>")))
NOT_BELIEVED = 1
"""The invented users come once a second, which is too seldom to be believed."""


class Images(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if tag == "img" and name == "src" and value]


def test_a_line_has_what_the_design_asks_for_and_why_a_goal_was_missed() -> None:
    line = MISSED.line()
    assert (line["drill"], line["seed"], line["faults"], line["met"]) == ("region-killed", 7, 1, False)
    assert line["failed"] == {"read_browser_<b>refused</b>": 1}
    assert len(line["missed"]) == NOT_BELIEVED + 1
    assert {"requests", "read_gap_s", "write_gap_s", "misdirected_s", "acknowledged", "lost", "doubled"} <= line.keys()


def test_a_page_shows_every_drill_with_its_picture_and_what_it_says_is_escaped(tmp_path: Path) -> None:
    write_report(tmp_path, 7, [MET, MISSED])
    page = (tmp_path / PAGE).read_text()
    images = Images()
    images.feed(page)
    assert images.found == ["region-killed.png"] * 2
    assert (tmp_path / "region-killed.png").read_bytes().startswith(b"\x89PNG")
    assert "<b>refused</b>" not in page
    assert [orjson.loads(line)["met"] for line in (tmp_path / LINES).read_bytes().splitlines()] == [False, False]


def test_a_table_has_a_row_for_each() -> None:
    assert table([MET, MISSED]).row_count == 2
    assert failures({}) == "0"


def test_no_two_outages_share_a_name() -> None:
    assert len({each.name for each in OUTAGES}) == len(OUTAGES)
