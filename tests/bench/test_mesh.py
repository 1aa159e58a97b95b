from __future__ import annotations

import asyncio
import json
import sys

import pytest
from rich.console import Console

from bench.environments import cache_folder
from bench.mesh import MANY, REQUESTS, goals
from bench.mesh_pair import Stuck, measure, nats_server
from bench.mesh_peers import Contender
from bench.peers import closed_loop
from bench.peers.closed_loop import Phase
from bench.report import Report, middle, show
from broker.settings import Address
from tests.servers import free_port

HOST = "127.77.80.1"


async def test_the_load_keeps_so_many_calls_in_flight() -> None:
    running, most = 0, 0

    async def ask(text: str) -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return text

    result = await closed_loop.measure(ask, Phase("seven", in_flight=7, seconds=0.02))
    assert most == 7
    assert result["requests_per_second"] > 0
    assert 0 < result["p50_milliseconds"] <= result["p99_milliseconds"]


async def test_the_load_does_not_count_wrong_answers() -> None:
    async def ask(text: str) -> str:
        await asyncio.sleep(0)
        return ""

    with pytest.raises(ValueError, match="wrong answer"):
        await closed_loop.measure(ask, Phase("wrong", seconds=0.02))


def test_ours_is_measured_through_a_real_server() -> None:
    plan = [Phase("some", in_flight=4, seconds=0.1), Phase("large", text="large", in_flight=2, seconds=0.1)]
    with nats_server(Address(HOST, free_port(HOST))) as url:
        for module in ("localgroup", "localgroup_bare"):
            results = list(measure(Contender(module, (sys.executable, "-m", f"bench.peers.{module}")), url, plan))
            assert [result["case"] for result in results] == ["some", "large"]
            assert all(result["requests_per_second"] > 0 for result in results)


def test_a_contender_that_fails_says_why() -> None:
    broken = Contender("broken", (sys.executable, "-c", "raise SystemExit('no such thing')"))
    with pytest.raises(Stuck, match="no such thing"):
        next(measure(broken, "nats://127.77.80.1:1", [Phase("some")]))


def test_a_goal_is_met_missed_or_absent() -> None:
    values = {"localgroup": 30.0, "moleculer-0.15": 20.0, "nats-py": 20.0}
    rows = [middle(MANY, name, [value], REQUESTS, higher_is_better=True) for name, value in values.items()]
    console = Console(width=120, record=True)
    console.print(goals(rows))
    lines = {
        line.split("│")[1].strip(): line.split("│")[2:4] for line in console.export_text().splitlines() if "│" in line
    }
    assert [cell.strip() for cell in lines["requests/s at 256 in flight, ours : moleculer-0.15 >= 1.1"]] == [
        "1.50",
        "yes",
    ]
    assert [cell.strip() for cell in lines["requests/s at 256 in flight, ours : nats-py >= 2"]] == ["1.50", "NO"]
    assert [cell.strip() for cell in lines["requests/s at 256 in flight, ours : moleculerpy >= 6"]] == ["", "absent"]


def test_who_could_not_take_part_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    show(Report("mesh", 5, [], {"moleculerpy": "needs Python 3.12"}))
    text, _, last = capsys.readouterr().out.strip().rpartition("\n")
    assert "absent: moleculerpy: needs Python 3.12" in text
    assert json.loads(last)["absent"] == {"moleculerpy": "needs Python 3.12"}


def test_environments_are_kept_outside_the_repository() -> None:
    assert str(cache_folder({"XDG_CACHE_HOME": "/var/cache/me"})) == "/var/cache/me/localgroup/bench"
    assert str(cache_folder({"LOCALGROUP_BENCH_CACHE": "/tmp/b"})) == "/tmp/b"
