"""Raw request-reply by the client of the NATS project: bytes out, bytes back, no envelope."""

from __future__ import annotations

import nats
from nats.aio.msg import Msg

from bench.peers.answers import answer
from bench.peers.closed_loop import Ask, main

SUBJECT = "bench.echo"
TIMEOUT_SECONDS = 10.0


async def serve(url: str) -> None:
    client = await nats.connect(url)

    async def respond(message: Msg) -> None:
        await message.respond((await answer(message.data.decode())).encode())

    await client.subscribe(SUBJECT, cb=respond)
    await client.flush()


async def join(url: str) -> Ask:
    client = await nats.connect(url)

    async def ask(text: str) -> bytes:
        return (await client.request(SUBJECT, text.encode(), TIMEOUT_SECONDS)).data

    return ask


if __name__ == "__main__":
    main(serve, join)
