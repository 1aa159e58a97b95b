"""The least that a call of ours can cost: its packets and its NATS client, with no broker around them."""

from __future__ import annotations

import asyncio
from itertools import count

from bench.peers.answers import answer
from bench.peers.closed_loop import Ask, main
from broker.nats.client import NatsClient
from broker.nats.settings import NatsSettings
from broker.transport import Delivery, Listener
from broker.wire.packets import Request, Response
from broker.wire.topics import Kind, Topics
from broker.wire.usual_packets import read_request, read_response

CALLEE, CALLER = "callee", "caller"
TIMEOUT_MILLISECONDS = 5_000.0


async def serve(url: str) -> None:
    client, topics = await _client(CALLEE, url), Topics()
    tasks: set[asyncio.Task[None]] = set()

    async def respond(request: Request) -> None:
        data = {"text": await answer(request.params["text"])}
        response = Response(request.version, CALLEE, request.id, data, None, request.meta)
        await client.publish(topics.of(Kind.RESPONSE, request.sender), response.encode())

    def receive(delivery: Delivery) -> None:
        request = read_request(delivery.payload)
        assert isinstance(request, Request)
        task = asyncio.ensure_future(respond(request))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    await client.subscribe(topics.of(Kind.REQUEST, CALLEE), receive)
    await client.flush()


async def join(url: str) -> Ask:
    client, topics, numbers = await _client(CALLER, url), Topics(), count()
    waiting: dict[str, asyncio.Future[Response]] = {}
    loop = asyncio.get_running_loop()

    def receive(delivery: Delivery) -> None:
        response = read_response(delivery.payload)
        assert isinstance(response, Response)
        waiting.pop(response.id).set_result(response)

    async def ask(text: str) -> str:
        call = f"{next(numbers):x}"
        packet = Request("5", CALLER, call, "echo.say", {"text": text}, {}, TIMEOUT_MILLISECONDS, 1, call, None, None)
        answered = waiting[call] = loop.create_future()
        await client.publish(topics.of(Kind.REQUEST, CALLEE), packet.encode())
        said: str = (await answered).data["text"]
        return said

    await client.subscribe(topics.of(Kind.RESPONSE, CALLER), receive)
    await client.flush()
    return ask


async def _client(name: str, url: str) -> NatsClient:
    client = NatsClient(NatsSettings((url,)))
    await client.connect(name, Listener())
    return client


if __name__ == "__main__":
    main(serve, join)
