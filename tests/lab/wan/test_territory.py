"""What a laboratory is when its regions are apart; nothing is started here."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import ports
from lab.faults import Faults, Unobeyed
from lab.laboratory import Laboratory, remember, remembered
from lab.programs import NETWORK, programs
from lab.regions import regions_of
from lab.wan import namespaces
from lab.wan.territory import of_cities, of_round_trips


@pytest.fixture
def apart(tmp_path: Path) -> Laboratory:
    return Laboratory(tmp_path, of_cities(3).regions, embedded=False, obeys_faults=True)


@pytest.fixture
def together(tmp_path: Path) -> Laboratory:
    return Laboratory(tmp_path, regions_of(), embedded=True)


def test_every_program_runs_in_the_namespace_of_its_region(apart: Laboratory) -> None:
    for program in programs(apart):
        if program.server != NETWORK:
            enters = f"ip netns exec localgroup-lab-{program.region.name} "
            assert program.command_line.startswith(enters)


def test_the_network_is_there_before_all_others_and_after_them(apart: Laboratory) -> None:
    first, *others = sorted(programs(apart), key=lambda program: program.priority)

    assert first.name == NETWORK
    assert all(first.priority < other.priority for other in others)


def test_regions_that_share_a_network_run_as_ever(together: Laboratory) -> None:
    assert all(program.command_line.split()[0] != "ip" for program in programs(together))
    assert NETWORK not in {program.name for program in programs(together)}


def test_services_obey_faults_only_where_the_laboratory_says_so(apart: Laboratory, together: Laboratory) -> None:
    def told(laboratory: Laboratory) -> set[str]:
        return {program.name for program in programs(laboratory) if "LOCALGROUP_INJECTED_FAULTS" in program.environment}

    assert "messier-oregon-1" in told(apart)
    assert told(together) == set()


def test_regions_that_share_a_network_have_no_links_to_cut(together: Laboratory) -> None:
    with pytest.raises(Unobeyed, match="no links"):
        _ = Faults(together).links
    with pytest.raises(Unobeyed, match="obey no faults"):
        Faults(together).slow("messier-west-1", work_ms=1)


@pytest.mark.parametrize("laboratory", ["apart", "together"])
def test_a_laboratory_is_remembered_as_it_was(laboratory: str, request: pytest.FixtureRequest) -> None:
    known: Laboratory = request.getfixturevalue(laboratory)
    remember(known)

    assert remembered(known.state) == known


def test_data_of_regions_apart_and_together_are_kept_apart(apart: Laboratory, together: Laboratory) -> None:
    assert apart.storage != Laboratory(apart.state, together.regions, embedded=False).storage


def test_nobody_else_listens_in_a_namespace(apart: Laboratory) -> None:
    assert ports.endpoints(apart) == []


def test_a_round_trip_is_split_both_ways() -> None:
    assert of_round_trips(("near", "far"), {("near", "far"): 40.0}).one_way_ms == {
        ("near", "far"): 20.0,
        ("far", "near"): 20.0,
    }


def test_without_root_there_is_no_such_laboratory_and_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespaces, "is_root", lambda: False)

    assert "needs root" in (namespaces.why_not() or "")
