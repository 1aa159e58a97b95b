"""What operators decided is known to every watcher in the end, and outlives it."""

from __future__ import annotations

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from andromeda.dns.decisions import Decisions
from schema.names import Decision

REGIONS = ("west", "central", "east")
MADE = st.builds(Decision, region=st.sampled_from(REGIONS), out=st.booleans(), at=st.integers(0, 5))


def decisions(folder: Path, name: str = "decisions.json") -> Decisions:
    return Decisions(REGIONS, folder / name)


def test_the_later_decision_holds(tmp_path: Path) -> None:
    found = decisions(tmp_path)
    for out, at in ((True, 2), (False, 1)):
        found.merge([Decision(region="west", out=out, at=at)])

    assert found.out() == ["west"]


def test_a_decision_is_later_than_the_one_it_changes_whatever_the_clock_says(tmp_path: Path) -> None:
    found = decisions(tmp_path)
    found.decide("west", out=True, now_milliseconds=100)
    found.decide("west", out=False, now_milliseconds=50)

    assert found.out() == []


def test_what_was_decided_outlives_the_process(tmp_path: Path) -> None:
    decisions(tmp_path).decide("west", out=True, now_milliseconds=1)

    assert decisions(tmp_path).out() == ["west"]


def test_a_file_that_is_broken_decides_nothing(tmp_path: Path) -> None:
    (tmp_path / "decisions.json").write_text("{")

    assert decisions(tmp_path).out() == []


def test_regions_that_are_not_declared_are_not_decided_about(tmp_path: Path) -> None:
    found = decisions(tmp_path)

    assert not found.merge([Decision(region="north", out=True, at=1)])


@given(made=st.lists(MADE), random=st.randoms(use_true_random=False))
def test_all_watchers_agree_in_whatever_order_they_hear(made: list[Decision], random: Random) -> None:
    shuffled = random.sample(made, len(made))
    with TemporaryDirectory() as folder:
        one, other = decisions(Path(folder), "one"), decisions(Path(folder), "other")
        for each in made:
            one.merge([each])
        for each in shuffled:
            other.merge([each])

        assert sorted(one.out()) == sorted(other.out())
