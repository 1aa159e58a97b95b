"""What the script answers: who can be named, the best first, by weight where nobody knows the way."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import lupa.luajit21 as lupa
import pytest

from andromeda.dns import lua
from tests.andromeda.dns.declared import CENTRAL, EAST, WEST, three_regions
from tests.andromeda.dns.script import NOW, Script

EVERYBODY = ("west", "central", "east")
RESOLVERS = 100_000


@pytest.fixture
def script(tmp_path: Path) -> Script:
    found = Script(tmp_path, three_regions())
    found.told(EVERYBODY)
    return found


def test_names_only_whom_the_watcher_names(script: Script) -> None:
    script.told(["central"])

    assert {tuple(script.answer()) for _ in range(50)} == {(CENTRAL,)}


def test_names_several_regions_each_once(script: Script) -> None:
    found = script.answer()

    assert len(found) == len(set(found)) == 2


def test_follows_the_watcher_at_the_next_question(script: Script) -> None:
    before = {each for _ in range(50) for each in script.answer()}
    script.told(["east"])

    assert before == {WEST, CENTRAL, EAST}
    assert script.answer() == [EAST]


def test_each_family_has_its_own_addresses(script: Script) -> None:
    assert script.answer(family="AAAA") == ["2001:db8::3"]


def test_weights_are_met_within_two_points_by_100_000_resolvers(tmp_path: Path) -> None:
    weights = {"west": 50, "central": 30, "east": 20}
    script = Script(tmp_path, three_regions(**{f"{name}_weight": weight for name, weight in weights.items()}))
    script.told(EVERYBODY)

    found = Counter(script.answer(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}")[0] for n in range(RESOLVERS))

    for address, weight in zip((WEST, CENTRAL, EAST), weights.values(), strict=True):
        assert abs(found[address] / RESOLVERS * 100 - weight) < 2


def test_weight_0_is_named_only_if_nothing_else_is_left(tmp_path: Path) -> None:
    script = Script(tmp_path, three_regions(west_weight=0, answers=1))
    script.told(EVERYBODY)
    first = {script.answer()[0] for _ in range(200)}
    script.told(["west"])

    assert first == {CENTRAL, EAST}
    assert script.answer() == [WEST]


def test_weight_0_comes_last_also_where_it_is_nearest(tmp_path: Path) -> None:
    script = Script(tmp_path, three_regions(west_weight=0, explore=2, answers=3))
    near = {"near": ["west", "east"], "unsure": ["east"]}
    script.measured(lua.chunk({"orders": [near], "networks": {"198.51.100.0": 1}}))
    script.told(EVERYBODY, nearest="1")

    assert {script.answer("198.51.100.9")[-1] for _ in range(100)} == {WEST}


@pytest.mark.parametrize(
    ("client", "nearest"), [("198.51.100.9", WEST), ("198.51.7.9", CENTRAL), ("2001:db8:e:7::1", EAST)]
)
def test_a_declared_network_goes_to_its_region_by_the_longest_prefix(tmp_path: Path, client: str, nearest: str) -> None:
    script = Script(tmp_path, three_regions(explore=1_000_000))
    script.told(EVERYBODY)

    assert {script.answer(client)[0] for _ in range(50)} == {nearest}


def test_what_was_measured_wins_over_what_was_declared(tmp_path: Path) -> None:
    script = Script(tmp_path, three_regions(explore=1_000_000))
    script.measured(lua.chunk({"orders": [{"near": ["east", "west"], "unsure": []}], "networks": {"198.51.100.0": 1}}))
    script.told(EVERYBODY, nearest="1")

    assert {tuple(script.answer("198.51.100.9")) for _ in range(50)} == {(EAST, WEST)}


def test_the_next_nearest_takes_over(tmp_path: Path) -> None:
    script = Script(tmp_path, three_regions(explore=1_000_000))
    script.measured(
        lua.chunk({"orders": [{"near": ["east", "west", "central"], "unsure": []}], "networks": {"198.51.100.0": 1}})
    )
    script.told(["west", "central"], nearest="1")

    assert {tuple(script.answer("198.51.100.9")) for _ in range(50)} == {(WEST, CENTRAL)}


def test_a_region_that_was_not_measured_is_tried_now_and_then(tmp_path: Path) -> None:
    script = Script(tmp_path, three_regions(explore=20))
    script.measured(lua.chunk({"orders": [{"near": ["east", "west"], "unsure": []}], "networks": {"198.51.100.0": 1}}))
    script.told(EVERYBODY, nearest="1")

    first = Counter(script.answer("198.51.100.9")[0] for _ in range(2_000))

    assert set(first) == {EAST, CENTRAL}
    assert first[CENTRAL] / 2_000 == pytest.approx(1 / 20, abs=0.02)


def test_a_region_that_may_be_nearer_than_it_looks_is_tried_now_and_then(tmp_path: Path) -> None:
    script = Script(tmp_path, three_regions(explore=20))
    near = {"near": ["east", "west", "central"], "unsure": ["west"]}
    script.measured(lua.chunk({"orders": [near], "networks": {"198.51.100.0": 1}}))
    script.told(EVERYBODY, nearest="1")

    first = Counter(script.answer("198.51.100.9")[0] for _ in range(2_000))

    assert set(first) == {EAST, WEST}
    assert first[WEST] / 2_000 == pytest.approx(1 / 20, abs=0.02)


def test_does_not_answer_before_anybody_has_looked(tmp_path: Path) -> None:
    """SERVFAIL: the resolver asks another region's name server."""
    with pytest.raises(lupa.LuaError, match="nobody has looked"):
        Script(tmp_path, three_regions()).answer()


def test_powerdns_own_checks_decide_while_nobody_keeps_its_knowledge_fresh(script: Script) -> None:
    script.standby = [CENTRAL]
    script.now = NOW + 5
    known = script.answer()
    script.now = NOW + 6

    assert len(known) == 2
    assert script.answer() == [CENTRAL]


def test_a_file_that_is_no_lua_changes_nothing(script: Script, tmp_path: Path) -> None:
    script.answer()
    (tmp_path / "health.lua").write_text("return {")

    assert len(script.answer()) == 2
