"""The Python port of Moleculer, as its documentation starts it; needs Python 3.12."""

from __future__ import annotations

import os
from typing import Any

from moleculerpy import Context, Service, ServiceBroker, Settings, action

from bench.peers.answers import answer
from bench.peers.closed_loop import Ask, main


class Echo(Service):  # type: ignore[misc] # not installed where types are checked
    name = "echo"

    @action()  # type: ignore[untyped-decorator]
    async def say(self, context: Context) -> dict[str, str]:
        return {"text": await answer(context.params["text"])}


async def serve(url: str) -> None:
    broker = _broker("callee", url)
    await broker.register(Echo())
    await broker.start()


async def join(url: str) -> Ask:
    broker = _broker("caller", url)
    await broker.start()
    await broker.wait_for_services(["echo"])

    async def ask(text: str) -> Any:
        return (await broker.call("echo.say", {"text": text}))["text"]

    return ask


def _broker(role: str, url: str) -> Any:
    return ServiceBroker(f"{role}-{os.getpid()}", settings=Settings(transporter=url, log_level="ERROR"))


if __name__ == "__main__":
    main(serve, join)
