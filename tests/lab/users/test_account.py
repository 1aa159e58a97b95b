from __future__ import annotations

from pathlib import Path

import pytest

from lab.users import account
from lab.users.record import OK, REFUSED, STALE, Kind, Reader, Record, Try, line


def record(
    begun: float, ended: float, outcome: str = OK, *, kind: Kind = "browser", write: bool = False, tries: str = ""
) -> Record:
    return Record("some", kind, write, begun, ended, outcome, tuple(Try(each, begun) for each in tries))


def test_failures_are_told_by_what_was_asked_by_whom_and_what_came_of_it() -> None:
    records = [
        record(0, 1),
        record(0, 1, REFUSED),
        record(0, 1, REFUSED, kind="plain"),
        record(1, 2, REFUSED, kind="plain"),
        record(0, 1, "status_503", write=True),
    ]
    assert account.failed(records) == {
        "read_browser_refused": 1,
        "read_plain_refused": 2,
        "write_browser_status_503": 1,
    }


def test_an_answer_that_says_it_is_stale_is_an_answer() -> None:
    assert account.failed([record(0, 1, STALE)]) == {}


def test_a_gap_is_the_time_between_two_answers_to_anybody() -> None:
    records = [record(0, 1), record(0.5, 4), record(3, 3.5, REFUSED), record(4, 5)]
    assert account.longest_gap(records, write=False, begun=0, ended=6) == 3


def test_a_gap_begins_with_the_outage_and_ends_with_it() -> None:
    records = [record(0, 1), record(0, 9)]
    assert account.longest_gap(records, write=False, begun=5, ended=7) == 2


def test_writes_have_gaps_of_their_own() -> None:
    assert account.longest_gap([record(0, 1)], write=True, begun=0, ended=3) == 3


def test_the_last_misdirected_is_the_last_who_tried_a_dead_address_at_all() -> None:
    records = [record(9, 9.5, tries="a"), record(12, 12.1, tries="ab"), record(14, 14.1, tries="b")]
    assert account.last_misdirected(records, ["a"], begun=10, ended=20) == 2


def test_nobody_is_misdirected_before_the_outage_or_after_it() -> None:
    records = [record(9, 9.5, tries="a"), record(21, 22, tries="a")]
    assert account.last_misdirected(records, ["a"], begun=10, ended=20) == 0


def test_the_last_failure_is_of_the_last_request_that_was_to_fail() -> None:
    assert account.last_failure([record(11, 19, REFUSED), record(15, 16)], begun=10) == 1


def test_the_slowest_is_one_that_was_answered() -> None:
    assert account.slowest([record(0, 9, REFUSED), record(0, 2)]) == 2


def test_records_are_read_as_they_were_written_a_half_line_once_it_is_whole(tmp_path: Path) -> None:
    written = [record(0.25, 1.5, tries="ab"), record(2, 3, REFUSED, kind="plain", write=True)]
    first, second = map(line, written)
    path = tmp_path / "records"
    path.write_bytes(first + second[:-3])
    reader = Reader(path)
    assert reader.records() == written[:1]
    path.write_bytes(first + second)
    assert reader.records() == written


def test_users_were_held_up_while_a_group_of_them_did_not_ask() -> None:
    assert account.latest([record(0, 9), record(1, 2), record(4, 5)]) == 3


@pytest.mark.parametrize("records", [[], [record(0, 1, REFUSED)]])
def test_where_nobody_was_answered_the_gap_is_the_whole_time(records: list[Record]) -> None:
    assert account.longest_gap(records, write=False, begun=2, ended=5) == 3
