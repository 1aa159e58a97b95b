"""Texts are the server's own, of MariaDB 10.11 with galera-4 26.4."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab import recovery
from lab.command import CommandFailed
from lab.recovery import (
    HALF_A_COPY,
    NOTHING,
    DifferentHistories,
    Position,
    allow_bootstrap,
    most_advanced,
    parse_recovery,
    parse_state,
    position,
    read_state,
)

HISTORY = "c9f4b0f1-e5f7-11f1-8b4a-afc6ba7f4c78"
OTHER = "0b2c4b5a-e5f8-11f1-93f4-1f0e7bd1d5e0"

LEFT_LAST = f"""# GALERA saved state
version: 2.1
uuid:    {HISTORY}
seqno:   11
safe_to_bootstrap: 1
"""
KILLED = f"""# GALERA saved state
version: 2.1
uuid:    {HISTORY}
seqno:   -1
safe_to_bootstrap: 0
"""
NEVER_JOINED = """# GALERA saved state
version: 2.1
uuid:    00000000-0000-0000-0000-000000000000
seqno:   -1
safe_to_bootstrap: 0
"""
RECOVERED = f"""2026-11-21 22:06:53 0 [Note] InnoDB: Buffer pool(s) load completed at 261121 22:06:53
2026-11-21 22:06:53 0 [Note] Plugin 'FEEDBACK' is disabled.
2026-11-21 22:06:53 0 [Note] WSREP: Recovered position: {HISTORY}:10
"""
FOUND_NOTHING = """2026-11-21 22:06:53 0 [Note] InnoDB: 10.11.19 started; log sequence number 46980
2026-11-21 22:06:53 0 [Note] WSREP: Recovered position: 00000000-0000-0000-0000-000000000000:-1
"""


def at(seqno: int, *, safe: bool = False, history: str = HISTORY) -> Position:
    return Position(history, seqno, safe)


def test_reads_the_state_of_the_member_that_left_last() -> None:
    assert parse_state(LEFT_LAST) == at(11, safe=True)


def test_a_killed_member_does_not_know_how_far_it_came() -> None:
    found = parse_state(KILLED)

    assert not found.known
    assert not found.empty


def test_a_member_that_never_joined_is_empty() -> None:
    assert parse_state(NEVER_JOINED).empty


def test_reads_what_recovery_found() -> None:
    assert parse_recovery(RECOVERED) == at(10)


def test_recovery_may_find_nothing() -> None:
    assert parse_recovery(FOUND_NOTHING).empty
    assert parse_recovery("") == NOTHING


def test_a_position_reads_as_the_server_wants_it() -> None:
    assert str(at(10)) == f"{HISTORY}:10"


def test_the_last_to_leave_begins() -> None:
    assert most_advanced({"west": at(11, safe=True), "central": at(10), "east": at(9)}) == "west"


def test_of_equally_advanced_members_the_last_to_leave_begins() -> None:
    assert most_advanced({"west": at(11), "central": at(11, safe=True), "east": at(11)}) == "central"


def test_after_a_crash_of_all_the_most_advanced_begins() -> None:
    assert most_advanced({"west": at(40), "central": at(42), "east": at(41)}) == "central"


def test_a_member_that_went_on_alone_and_crashed_is_ahead_of_one_that_left_in_order() -> None:
    assert most_advanced({"west": at(10, safe=True), "central": at(20)}) == "central"


def test_members_without_data_do_not_begin() -> None:
    assert most_advanced({"west": NOTHING, "central": at(0), "east": NOTHING}) == "central"


def test_a_member_that_may_be_half_copied_begins_only_where_it_is_ahead() -> None:
    unsure = replace(at(40), sure=False)
    assert most_advanced({"west": unsure, "central": at(40), "east": at(39)}) == "central"
    assert most_advanced({"west": unsure, "central": at(39), "east": at(39)}) == "west"
    assert most_advanced({"west": unsure, "central": unsure, "east": NOTHING}) == "west"


@pytest.fixture
def interrupted(tmp_path: Path) -> Path:
    """Data files, and no word of how far they came."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ibdata1").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("recovered", "told"),
    [
        (RECOVERED, replace(at(10), sure=False)),
        (FOUND_NOTHING, NOTHING),  # as after an interrupted first start
    ],
)
def test_the_engine_is_asked_where_galera_says_nothing(
    interrupted: Path, recovered: str, told: Position, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "recover", lambda folder: parse_recovery(recovered))
    assert position(interrupted) == told


def test_data_that_no_engine_can_read_is_half_a_copy(interrupted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(folder: Path) -> Position:
        raise CommandFailed("the log ends in the middle")

    monkeypatch.setattr(recovery, "recover", fail)
    assert position(interrupted) == HALF_A_COPY
    assert most_advanced({"west": HALF_A_COPY, "central": at(0)}) == "central"


def test_nobody_begins_where_nobody_has_data() -> None:
    assert most_advanced({"west": NOTHING, "central": NOTHING}) is None


def test_refuses_to_choose_between_different_histories() -> None:
    with pytest.raises(DifferentHistories, match=f"central {OTHER}:50"):
        most_advanced({"west": at(40), "central": at(50, history=OTHER)})


@given(st.dictionaries(st.text(min_size=1), st.builds(at, st.integers(0, 2**63), safe=st.booleans()), min_size=1))
def test_no_member_is_ahead_of_the_one_that_begins(positions: dict[str, Position]) -> None:
    chosen = most_advanced(positions)

    assert chosen is not None
    assert positions[chosen].seqno == max(position.seqno for position in positions.values())


def test_leave_to_begin_is_written_into_the_members_state(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "grastate.dat").write_text(KILLED)

    allow_bootstrap(tmp_path, at(10))

    assert read_state(tmp_path) == Position(HISTORY, -1, safe=True)


def test_a_member_that_was_killed_while_a_table_changed_begins_its_own_history(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "grastate.dat").write_text(NEVER_JOINED)

    allow_bootstrap(tmp_path, replace(at(10), sure=False))

    assert read_state(tmp_path) == at(10, safe=True)


def test_a_member_without_state_may_begin_too(tmp_path: Path) -> None:
    allow_bootstrap(tmp_path, NOTHING)

    assert read_state(tmp_path) == NOTHING
