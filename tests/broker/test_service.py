from __future__ import annotations

import logging

import orjson
import pytest

from broker import Broker, BrokerConfig, Context, Encoded, Service, action
from broker.observe.logs import JsonLines
from broker.service import describe
from broker.testing import MemoryNetwork
from tests.contract.greetings import GREET, Diary, Greet, Greeting, Greetings


def test_refuses_an_action_of_another_service_when_the_class_is_made() -> None:
    with pytest.raises(TypeError, match=r"greetings\.greet"):

        class Wrong(Service):
            name = "farewells"

            @action(GREET)
            async def greet(self, context: Context, request: Greet) -> Greeting:
                return Greeting(text="", node="")


def test_describes_its_actions_and_events() -> None:
    assert {each.name: each.safe for each in describe(Greetings()).actions} == {
        "greetings.greet": True,
        "greetings.record": False,
        "greetings.remark": True,
    }
    assert [tuple(event) for event in describe(Diary()).events] == [("greetings.greeted", "diary")]


class EncodedGreetings(Service):
    name = "greetings"

    @action(GREET)
    async def greet(self, context: Context, request: Greet) -> Greeting | Encoded:
        return Encoded(b'{"text":"Hello","node":"encoded"}')


async def test_sends_a_reply_that_is_json_already_as_it_is() -> None:
    network = MemoryNetwork()
    server = Broker(BrokerConfig(region="west", node="server"), network.transport())
    server.add(EncodedGreetings())
    async with server, Broker(BrokerConfig(region="west", node="client"), network.transport()) as client:
        for caller in (server, client):
            assert await caller.call(GREET, Greet(name="Ada")) == Greeting(text="Hello", node="encoded")
            assert await caller.call("greetings.greet", {"name": "Ada"}) == {"text": "Hello", "node": "encoded"}


class Hooked(Greetings):
    async def started(self, broker: Broker) -> None:
        self.seen = "started", broker.available(GREET.name)

    async def stopped(self) -> None:
        self.seen = "stopped", False


async def test_tells_a_service_before_it_is_announced_and_after_its_work_is_done() -> None:
    service = Hooked()
    broker = Broker(BrokerConfig(region="west", node="server"), MemoryNetwork().transport())
    broker.add(service)
    async with broker:
        assert service.seen == ("started", False)
        assert broker.available(GREET.name)
        with pytest.raises(RuntimeError):
            broker.add(Diary())
    assert service.seen == ("stopped", False)


def test_logs_one_json_object_a_line() -> None:
    record = logging.LogRecord("broker.mesh", logging.WARNING, "", 0, "%s is\nlost", ("west",), None)
    line = JsonLines("messier-west-1").format(record)
    assert "\n" not in line
    assert orjson.loads(line) | {"time": ""} == {
        "time": "",
        "level": "warning",
        "node": "messier-west-1",
        "logger": "broker.mesh",
        "message": "west is\nlost",
    }
