from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.drills.journal import Journal, read_journal


async def test_what_was_recorded_is_on_disk(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    await journal.record({"key": "a", "outcome": "acknowledged"})

    assert list(read_journal(tmp_path / "journal")) == [{"key": "a", "outcome": "acknowledged"}]
    journal.close()


async def test_many_clients_lose_no_entry(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    await asyncio.gather(*(journal.record({"number": number}) for number in range(500)))
    journal.close()

    assert sorted(entry["number"] for entry in read_journal(tmp_path / "journal")) == list(range(500))


async def test_does_not_append_to_another_drills_journal(tmp_path: Path) -> None:
    Journal(tmp_path / "journal").close()

    with pytest.raises(FileExistsError):
        Journal(tmp_path / "journal")


def test_an_entry_that_a_crash_cut_off_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text('{"number":1}\n{"numb')

    assert list(read_journal(tmp_path / "journal")) == [{"number": 1}]
