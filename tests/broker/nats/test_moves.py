"""What the lean client promises when it changes its server on purpose: nothing is lost, nothing comes twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from broker.nats.client import NatsClient
from broker.transport import Delivery
from tests.broker.hubs import Events, Hub, client, hub
from tests.waiting import DEADLINE_SECONDS, eventually

TRIAL = b"0"
GRACE = ("lame_duck_grace_period: 5s", "lame_duck_duration: 30s")


@asynccontextmanager
async def running(*hubs: Hub) -> AsyncIterator[None]:
    await asyncio.gather(*(hub.start() for hub in hubs))
    try:
        yield
    finally:
        await asyncio.gather(*(hub.kill() for hub in hubs))


@asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[tuple[Hub, Hub]]:
    first, second = Hub(folder, "first", *GRACE), Hub(folder, "second", *GRACE)
    for member in (first, second):
        member.join([first, second])
    async with running(first, second):
        yield first, second


@asynccontextmanager
async def regions(folder: Path) -> AsyncIterator[tuple[Hub, Hub]]:
    west, east = Hub(folder, "west"), Hub(folder, "east")
    for member in (west, east):
        member.join_regions([west, east])
    async with running(west, east):
        yield west, east


class Traffic:
    """Asks `node` numbered questions from the other server, as fast as they are answered, and counts."""

    def __init__(self, asker: NatsClient, node: NatsClient) -> None:
        self._asker = asker
        self._node = node
        self._tasks: set[asyncio.Task[None]] = set()
        self.asked = 0
        self.served: Counter[bytes] = Counter()
        self.answered: Counter[bytes] = Counter()
        self.shared: Counter[bytes] = Counter()
        self.ending = False

    async def run(self) -> None:
        await self._node.subscribe("questions", self._serve)
        await self._node.subscribe("work", self._note_work, queue="workers")
        await self._asker.subscribe("answers", self._note_answer)
        await asyncio.gather(self._asker.flush(), self._node.flush())
        await self._until_heard()
        while not self.ending:
            for _ in range(20):
                self.asked += 1
                await self._asker.publish("questions", b"%d" % self.asked)
                await self._asker.publish("work", b"%d" % self.asked)
            await self._asker.flush()

    async def _until_heard(self) -> None:
        """The servers of a cluster tell each other of subscriptions."""
        while not (self.served and self.answered and self.shared):
            await self._asker.publish("questions", TRIAL)
            await self._asker.publish("work", TRIAL)
            await self._asker.flush()

    def _serve(self, delivery: Delivery) -> None:
        self.served[delivery.payload] += 1
        task = asyncio.get_running_loop().create_task(self._node.publish("answers", delivery.payload))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _note_answer(self, delivery: Delivery) -> None:
        self.answered[delivery.payload] += 1

    def _note_work(self, delivery: Delivery) -> None:
        self.shared[delivery.payload] += 1

    @property
    def complete(self) -> bool:
        return all(len(counts) == self.asked + 1 for counts in (self.served, self.answered, self.shared))

    def doubled(self) -> bool:
        for counts in (self.served, self.answered, self.shared):
            del counts[TRIAL]
        return any(count > 1 for counts in (self.served, self.answered, self.shared) for count in counts.values())


async def test_a_server_that_leaves_is_left_under_load_without_loss(tmp_path: Path) -> None:
    events = Events()
    async with (
        cluster(tmp_path) as (first, second),
        client(second.url) as asker,
        client(first.url, listener=events.listener(), settle_seconds=0.2) as node,
    ):
        traffic = Traffic(asker, node)
        asking = asyncio.create_task(traffic.run())
        await eventually(lambda: traffic.asked > 200)
        first.leave()
        await eventually(lambda: "second" in node.server)
        moved_after = traffic.asked
        await eventually(lambda: not node.moving)
        await eventually(lambda: traffic.asked > moved_after + 500)
        traffic.ending = True
        await asking
        await eventually(lambda: traffic.complete)
        assert not traffic.doubled()
        assert events == []


async def test_goes_home_when_its_own_hub_is_back(tmp_path: Path) -> None:
    events = Events()
    heard: list[Delivery] = []
    async with (
        hub(tmp_path) as own,
        hub(tmp_path) as far,
        client(own.url, far.url, listener=events.listener(), go_home_seconds=0.05) as node,
    ):
        await node.subscribe("news", heard.append)
        await own.kill()
        await eventually(lambda: events == ["disconnected", "reconnected"])
        assert str(far.port) in node.server
        await own.start()
        await eventually(lambda: str(own.port) in node.server and not node.moving)
        await node.publish("news", b"")
        await node.flush()
        assert len(heard) == 1
        assert events == ["disconnected", "reconnected"]


async def until_heard(node: NatsClient, heard: list[Delivery]) -> None:
    """Hubs of regions take a moment to join."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not heard:
            await node.publish("news", b"")
            await node.flush()


async def test_goes_home_only_when_its_own_hub_knows_the_other_regions_again(tmp_path: Path) -> None:
    heard: list[Delivery] = []
    async with (
        regions(tmp_path) as (own, far),
        client(far.url) as listener,
        client(own.url, far.url, go_home_seconds=0.05, familiar_seconds=3.0) as node,
    ):
        await listener.subscribe("news", heard.append)
        await listener.flush()
        await until_heard(node, heard)
        await own.kill()
        await eventually(lambda: str(far.port) in node.server)
        await own.start()
        heard.clear()
        sent = 0
        async with asyncio.timeout(DEADLINE_SECONDS):
            while str(own.port) not in node.server or node.moving:
                await node.publish("news", b"%d" % sent)
                await node.flush()
                sent += 1
        await node.publish("news", b"%d" % sent)
        await eventually(lambda: [delivery.payload for delivery in heard] == [b"%d" % each for each in range(sent + 1)])


async def test_what_is_subscribed_to_during_a_move_is_heard_once(tmp_path: Path) -> None:
    heard: list[Delivery] = []
    async with cluster(tmp_path) as (first, _), client(first.url, settle_seconds=0.3) as node:
        first.leave()
        await eventually(lambda: node.moving)
        await node.subscribe("during", heard.append)
        await eventually(lambda: "second" in node.server)
        await node.publish("during", b"1")
        await eventually(lambda: not node.moving)
        await node.publish("during", b"2")
        await node.flush()
        assert [delivery.payload for delivery in heard] == [b"1", b"2"]


async def test_stays_where_it_is_when_there_is_nowhere_else_to_go(tmp_path: Path) -> None:
    events = Events()
    async with hub(tmp_path, *GRACE) as only, client(only.url, listener=events.listener()) as node:
        only.leave()
        for _ in range(20):
            await node.publish("still", b"")
            await node.flush()
        assert events == []
        await only.kill()
        await eventually(lambda: events == ["disconnected"])
        await only.start()
        await eventually(lambda: events == ["disconnected", "reconnected"])


async def test_can_be_closed_in_the_middle_of_a_move(tmp_path: Path) -> None:
    async with cluster(tmp_path) as (first, _), client(first.url, settle_seconds=60) as node:
        first.leave()
        await eventually(lambda: node.moving and "second" in node.server)
        await node.close()
        assert not node.connected
