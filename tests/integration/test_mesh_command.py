"""`mesh` against a real server, as people and scripts use it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import NamedTuple

import orjson
import pytest

from broker import Broker, BrokerConfig
from broker.nats.nats_py import NatsTransport
from tests.contract.greetings import Diary, Greetings
from tests.servers import NatsAddress, free_port, nats_server


class Outcome(NamedTuple):
    status: int
    output: str
    errors: str


async def mesh(url: str, *arguments: str) -> Outcome:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "broker", *arguments),
        env={"LOCALGROUP_NATS_URLS": url, "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    return Outcome(process.returncode or 0, output.decode(), errors.decode())


@pytest.fixture(scope="module")
async def url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    address = NatsAddress()
    async with nats_server(tmp_path_factory.mktemp("nats"), address):
        broker = Broker(BrokerConfig(region="west", node="server-1"), NatsTransport([address.url]))
        broker.add(Greetings("server-1"))
        broker.add(Diary())
        async with broker:
            yield address.url


async def test_prints_the_reply_as_json_and_nothing_else(url: str) -> None:
    outcome = await mesh(url, "call", "greetings.greet", '{"name":"Ada"}')
    assert outcome.status == 0
    assert orjson.loads(outcome.output) == {"text": "Hello Ada", "node": "server-1"}


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("call", "greetings.greet", '{"name":""}'), 1, "invalid: name"),
        (("call", "nobody.knows"), 1, "unavailable"),
        (("call", "greetings.greet", "{"), 2, "not JSON"),
    ],
)
async def test_says_what_is_wrong_on_standard_error(
    url: str, arguments: tuple[str, ...], status: int, said: str
) -> None:
    outcome = await mesh(url, *arguments)
    assert (outcome.status, outcome.output) == (status, "")
    assert said in outcome.errors


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("nodes", "server-1"),
        ("services", "greetings"),
        ("actions", "greetings.record"),
        ("ping", "west"),
        ("top --once --interval 0.2", "server-1"),
        ('bench greetings.remark {"name":"Ada"} --seconds 0.2', "requests/s"),
    ],
)
async def test_shows_who_is_there_and_what_they_serve(url: str, command: str, shown: str) -> None:
    assert shown in (await mesh(url, *command.split())).output


async def test_measures_an_action_for_machines(url: str) -> None:
    outcome = await mesh(url, "bench", "greetings.remark", '{"name":"Ada"}', "--seconds", "0.2", "--json")
    assert outcome.status == 0
    assert orjson.loads(outcome.output)["requests_per_second"] > 0


async def test_asks_one_node_when_told_to(url: str) -> None:
    there = await mesh(url, "call", "greetings.greet", '{"name":"Ada"}', "--node", "server-1")
    elsewhere = await mesh(url, "call", "greetings.greet", '{"name":"Ada"}', "--node", "server-2")
    assert (there.status, elsewhere.status, elsewhere.output) == (0, 1, "")


async def test_tells_an_event_and_says_who_listens(url: str) -> None:
    told = await mesh(url, "emit", "greetings.greeted", '{"name":"Ada"}')
    assert (told.status, told.output, told.errors) == (0, "", "diary: server-1\n")
    unheard = await mesh(url, "emit", "nothing.happened", "{}", "--broadcast")
    assert (unheard.status, unheard.output) == (1, "")
    assert "nobody listens" in unheard.errors


async def test_says_that_there_is_no_mesh() -> None:
    outcome = await mesh(f"nats://127.77.11.1:{free_port()}", "nodes")
    assert (outcome.status, outcome.output) == (1, "")
    assert "no connection" in outcome.errors


async def test_names_the_variable_that_is_wrong() -> None:
    outcome = await mesh("http://hub", "nodes")
    assert (outcome.status, outcome.output) == (2, "")
    assert "LOCALGROUP_NATS_URLS" in outcome.errors


async def test_takes_a_node_out_of_work_and_back(url: str) -> None:
    drained = await mesh(url, "drain", "server-1")
    assert (drained.status, drained.output) == (0, "")
    assert "server-1 has finished" in drained.errors
    assert (await mesh(url, "call", "greetings.greet", '{"name":"Ada"}')).status == 1
    assert (await mesh(url, "return", "server-1")).status == 0
    assert (await mesh(url, "call", "greetings.greet", '{"name":"Ada"}')).status == 0


async def test_says_that_there_is_no_such_node(url: str) -> None:
    outcome = await mesh(url, "drain", "server-9")
    assert (outcome.status, outcome.output) == (1, "")
    assert "there is no node server-9" in outcome.errors
