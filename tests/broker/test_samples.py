"""What `mesh top` makes of the metrics of nodes, without a terminal."""

from __future__ import annotations

import asyncio
import io
import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from broker.commands.choices import Why, why
from broker.commands.load import measured
from broker.commands.samples import Look, Work, by_action, distances, look, total, work
from broker.commands.top import screen
from broker.testing import MemoryNetwork, settled
from schema.errors import Unavailable
from tests.contract.conftest import Mesh
from tests.contract.greetings import GREET, Gate, Greet, Greetings, Hall

ADA = Greet(name="Ada")


@pytest.fixture
async def mesh() -> Mesh:
    return Mesh(MemoryNetwork().transport)


def of(looks: list[Look], node: str) -> Look:
    return next(each for each in looks if each.node == node)


async def test_counts_what_a_node_served_between_two_looks(mesh: Mesh) -> None:
    await mesh.node("server", Greetings())
    client = await mesh.node("client")
    await client.call(GREET, ADA)
    before = of(await look(client), "server")
    for _ in range(3):
        await client.call(GREET, ADA)
    now = of(await look(client), "server")
    assert (work(now, before).count, work(now, before).failed) == (3, 0)
    assert work(now, None).count == 4
    assert list(by_action([now], {"server": before})) == [GREET.name]
    assert by_action([now], {"server": before})[GREET.name].count == 3
    await mesh.end_all()


async def test_counts_what_failed(mesh: Mesh) -> None:
    async def fail(context: object) -> None:
        raise Unavailable("not now")

    await mesh.node("server", Greetings(before=fail))
    client = await mesh.node("client")
    with pytest.raises(Unavailable):
        await client.call(GREET, ADA)
    assert work(of(await look(client), "server"), None).failed == 1
    await mesh.end_all()


async def test_sees_work_under_way_and_distances(mesh: Mesh) -> None:
    gate = Gate()
    await mesh.node("server", Greetings(before=gate), region="east")
    client = await mesh.node("client")
    held = asyncio.ensure_future(client.call(GREET, ADA))
    await settled()
    server = of(await look(client), "server")
    assert total(server, "localgroup_requests_running") == 2
    assert list(distances(server)) == ["west"]
    gate.open()
    await held
    await mesh.end_all()


async def test_shows_a_node_without_figures_if_it_does_not_answer(mesh: Mesh) -> None:
    await mesh.node("silent", internal_services=False)
    client = await mesh.node("client")
    assert of(await look(client), "silent").samples is None
    await mesh.end_all()


async def test_fits_into_eighty_columns(mesh: Mesh) -> None:
    for region in ("west", "central", "east"):
        await mesh.node(f"andromeda-{region}-1", region=region)
        await mesh.node(f"messier-{region}-1", Hall(), region=region)
    gone = await mesh.node("whirlpool-central-1", Greetings(), region="central")
    client = await mesh.node("client")
    before = await look(client)
    await client.call(GREET, ADA)
    looks = await look(client)
    await mesh.end(gone)
    looks_later = await look(client)
    console = Console(width=80, record=True, file=None, force_terminal=False)
    with console.capture() as captured:
        console.print(screen(looks, before, 1.0))
        console.print(screen(looks_later, looks, 1.0))
    text = captured.get()
    assert "greetings.greet" in text
    assert "whirlpool-central-1   gone" in text
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80
    await mesh.end_all()


async def test_measures_calls_and_counts_those_that_fail(mesh: Mesh) -> None:
    await mesh.node("server", Greetings())
    client = await mesh.node("client")
    found = await measured(client, GREET.name, {"name": "Ada"}, None, 0.05, 4)
    assert found.answered > 0
    assert found.milliseconds(0.99) >= found.milliseconds(0.5) > 0
    wrong = await measured(client, GREET.name, {"name": ""}, None, 0.05, 4)
    assert (wrong.answered, list(wrong.failures)) == (0, ["invalid"])
    await mesh.end_all()


@given(st.lists(st.floats(0.0001, 9.0), min_size=1), st.floats(0.01, 1.0))
def test_estimates_a_quantile_within_its_bucket(samples: list[float], share: float) -> None:
    bounds = [0.001, 0.01, 0.1, 1.0, 5.0, math.inf]
    done = Work(buckets=Counter({bound: sum(sample <= bound for sample in samples) for bound in bounds}))
    found = done.quantile_seconds(share)
    exact = sorted(samples)[math.ceil(share * len(samples)) - 1]
    upper = next(bound for bound in bounds if exact <= bound)
    lower = max((bound for bound in bounds if bound < upper), default=0.0)
    assert found is not None
    assert lower <= found <= upper or math.isclose(found, lower)


def test_has_no_quantile_of_nothing() -> None:
    assert Work().quantile_seconds(0.5) is None


async def test_says_why_the_busiest_caller_asks_the_nodes_that_it_asks(mesh: Mesh) -> None:
    await mesh.node("here", Greetings())
    await mesh.node("there", Greetings(), region="east")
    client, watcher = await mesh.node("client", strategy="fastest"), await mesh.node("watcher")
    before = await look(watcher)
    assert await why(watcher, before, before) is None
    await client.call(GREET, ADA)
    now = await look(watcher)
    found = await why(watcher, now, before)
    assert found is not None
    assert (found.caller, found.action) == ("client", GREET.name)
    assert {score["node"] for score in found.scores} == {"here", "there"}
    await mesh.end_all()


def test_shows_what_counts_against_a_node() -> None:
    def score(node: str, **parts: float) -> dict[str, object]:
        usual = {"path_seconds": 0.002, "service_seconds": 0.02, "wait_seconds": 0.0, "penalty_seconds": 0.0}
        return {"node": node, "share": 1.0, "in_flight": 1, **usual, **parts}

    found = Why("client", GREET.name, [score("well"), score("failing", penalty_seconds=1.0), score("new", share=0.25)])
    terminal = Console(width=100, record=True, file=io.StringIO())
    terminal.print(screen([], [], 1.0, found))
    lines = {line.split()[0]: line.split()[1:] for line in terminal.export_text().splitlines() if line.strip()}
    assert lines["well"] == ["2.0", "20.0", "-", "-", "22.0", "100%", "1"]
    assert lines["failing"] == ["2.0", "20.0", "-", "1,000.0", "1,022.0", "100%", "1"]
    assert lines["new"][-2:] == ["25%", "1"]
