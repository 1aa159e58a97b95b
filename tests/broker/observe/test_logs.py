"""What a line of the log holds."""

from __future__ import annotations

import asyncio
import logging
import sys

import orjson
import pytest

from broker import Context
from broker.current_request import current_request
from broker.observe.logs import JsonLines
from broker.testing import MemoryNetwork
from tests.contract.conftest import Mesh
from tests.contract.greetings import GREET, GREETED, WELCOME, Diary, Greet, Greeted, Greetings, Hall
from tests.waiting import eventually

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
ADA = Greet(name="Ada")

logger = logging.getLogger("tests.logs")


class Lines(logging.Handler):
    """What a process would have written."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines("messier-west-1", "west"))
        self.lines: list[dict[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(orjson.loads(self.format(record)))


@pytest.fixture
def log() -> Lines:
    lines = Lines()
    logger.addHandler(lines)
    return lines


async def say(context: Context) -> None:
    logger.warning("greeting")


async def say_in_a_task(context: Context) -> None:
    await asyncio.ensure_future(say(context))


def mesh() -> Mesh:
    return Mesh(MemoryNetwork().transport)


def test_holds_node_region_level_and_message(log: Lines) -> None:
    logger.warning("hello %s", "Ada", extra={"request_id": "r"})
    line = log.lines[-1]
    assert (line["node"], line["region"], line["level"], line["message"]) == (
        "messier-west-1",
        "west",
        "warning",
        "hello Ada",
    )
    assert line["request_id"] == "r"
    assert line["time"].endswith("+00:00")


def test_holds_an_exception_in_the_same_line(log: Lines) -> None:
    record = logger.makeRecord("x", logging.ERROR, "f", 1, "failed", (), None)
    try:
        int("detail")
    except ValueError:
        record.exc_info = sys.exc_info()
    text = JsonLines("n").format(record)
    assert "\n" not in text
    assert "ValueError: invalid literal" in orjson.loads(text)["exception"]


@pytest.mark.parametrize("before", [say, say_in_a_task])
async def test_says_whose_request_is_served_on_every_node_of_the_chain(log: Lines, before: object) -> None:
    running = mesh()
    await running.node("server", Greetings(before=before))  # type: ignore[arg-type]
    await running.node("middle", Hall(before=say))
    client = await running.node("client")
    await client.call(WELCOME, ADA, request_id="r-1", headers={"traceparent": TRACEPARENT})
    said = [(line["request_id"], line["service"], line["trace_id"]) for line in log.lines[-2:]]
    trace = TRACEPARENT.split("-")[1]
    assert said == [("r-1", "hall", trace), ("r-1", "greetings", trace)]
    await running.end_all()


async def test_says_whose_request_it_was_to_nobody_else(log: Lines) -> None:
    running = mesh()
    node = await running.node("node", Greetings(before=say))
    await node.call(GREET, ADA, request_id="r-2")
    logger.warning("after")
    assert log.lines[-2]["request_id"] == "r-2"
    assert "request_id" not in log.lines[-1]
    assert current_request.get() is None
    await running.end_all()


async def test_says_by_which_request_an_event_was_told(log: Lines) -> None:
    class Loud(Diary):
        async def greeted(self, context: Context, payload: Greeted) -> None:
            await super().greeted(context, payload)
            logger.warning("noted")

        greeted.__mesh_contract__ = GREETED  # type: ignore[attr-defined]

    class Telling(Greetings):
        async def _answer(self, context: Context, request: Greet):  # type: ignore[no-untyped-def]
            await context.emit(GREETED, Greeted(name=request.name))
            return await super()._answer(context, request)

    running, diary = mesh(), Loud()
    await running.node("listener", diary)
    await running.node("server", Telling())
    client = await running.node("client")
    await client.call(GREET, ADA, request_id="r-3")
    await eventually(lambda: diary.names)
    assert log.lines[-1]["request_id"] == "r-3"
    await running.end_all()
