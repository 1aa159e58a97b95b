"""Ours, as a service is written: typed contract, default policies, the lean NATS client."""

from __future__ import annotations

import os
from collections.abc import Sized
from typing import ClassVar

from bench.peers.answers import answer, pour
from bench.peers.closed_loop import Ask, main
from broker import Broker, BrokerConfig, Context, Service, action
from broker.nats.client import NatsClient
from broker.nats.settings import NatsSettings
from schema.action import Action, Message, Nothing
from schema.stream import Stream

JOIN_SECONDS = 10.0
STREAM_SECONDS = 60.0


class Said(Message):
    text: str


SAY = Action("echo.say", Said, Said, safe=True)
POUR = Action("echo.pour", Nothing, Stream[bytes], safe=True)


class Echo(Service):
    name: ClassVar[str] = "echo"

    @action(SAY)
    async def say(self, context: Context, request: Said) -> Said:
        return Said(text=await answer(request.text))

    @action(POUR)
    async def pour(self, context: Context, request: Nothing) -> Stream[bytes]:
        return Stream(pour())


async def serve(url: str) -> None:
    broker = _broker("callee", url)
    broker.add(Echo())
    await broker.start()


async def join(url: str) -> Ask:
    broker = _broker("caller", url)
    await broker.start()
    await broker.wait_for("echo", deadline_seconds=JOIN_SECONDS)

    async def ask(text: str) -> Sized:
        if text == "stream":
            return range(await _poured_bytes(broker))
        return (await broker.call(SAY, Said(text=text))).text

    return ask


async def _poured_bytes(broker: Broker) -> int:
    async with await broker.call(POUR, Nothing(), deadline_seconds=STREAM_SECONDS) as chunks:
        return sum([len(chunk) async for chunk in chunks])


def _broker(role: str, url: str) -> Broker:
    config = BrokerConfig(region="bench", node=f"{role}-{os.getpid()}")
    return Broker(config, NatsClient(NatsSettings((url,))))


if __name__ == "__main__":
    main(serve, join)
