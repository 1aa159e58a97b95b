"""FastStream's NATS broker: a typed subscriber, and its own request."""

from __future__ import annotations

from typing import Any

from faststream.nats import NatsBroker

from bench.peers.answers import answer
from bench.peers.closed_loop import Ask, main

SUBJECT = "bench.echo"
TIMEOUT_SECONDS = 10.0


async def serve(url: str) -> None:
    broker = NatsBroker(url, logger=None)

    async def respond(text: str) -> str:
        return await answer(text)

    broker.subscriber(SUBJECT)(respond)
    await broker.start()


async def join(url: str) -> Ask:
    broker = NatsBroker(url, logger=None)
    await broker.start()

    async def ask(text: str) -> Any:
        return (await broker.request(text, SUBJECT, timeout=TIMEOUT_SECONDS)).body

    return ask


if __name__ == "__main__":
    main(serve, join)
