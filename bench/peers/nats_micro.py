"""A NATS micro service of nats-py, called by nats-py."""

from __future__ import annotations

import nats
import nats.micro
from nats.micro.request import Request

from bench.peers import nats_py
from bench.peers.answers import answer
from bench.peers.closed_loop import main


async def serve(url: str) -> None:
    client = await nats.connect(url)

    async def respond(request: Request) -> None:
        await request.respond((await answer(request.data.decode())).encode())

    service = await nats.micro.add_service(client, name="echo", version="1.0.0")
    await service.add_endpoint(name="echo", subject=nats_py.SUBJECT, handler=respond)
    await client.flush()


if __name__ == "__main__":
    main(serve, nats_py.join)
