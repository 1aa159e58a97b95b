"""A small domain for tests of policies: a counter that can be read, and added to with an idempotency key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from broker import Context, Service, action
from broker.cache.action_cache import Caching, Forget
from broker.policies.bulkhead import Bulkhead
from broker.policies.rate_limit import RateLimit
from schema.action import Action, Event, Message, Nothing
from schema.errors import MeshError


class Add(Message):
    amount: int


class OfCounter(Message):
    name: str
    unused: int = 0


class Total(Message):
    total: int
    node: str


class Added(Message):
    name: str


READ = Action("counters.read", Nothing, Total, safe=True)
KEPT = Action("counters.kept", OfCounter, Total, safe=True)
LIMITED = Action("counters.limited", Nothing, Total, safe=True)
NARROW = Action("counters.narrow", Nothing, Total, safe=True)
FORGIVING = Action("counters.forgiving", Nothing, Total, safe=True)
ADD = Action("counters.add", Add, Total, safe=False, keyed=True)
ADD_TWICE = Action("office.add-twice", Add, Total, safe=False, keyed=True)
ADDED = Event("counters.added", Added)


KEEPING = Caching(
    60.0, key=("name",), stale_seconds=30.0, forget_on=(Forget(ADDED, lambda it: OfCounter(name=it.name)),)
)


class Counters(Service):
    """`before` runs in each handler, and may wait or raise; `after` when the effect has happened."""

    name = "counters"

    def __init__(
        self,
        node: str = "",
        before: Callable[[Context], Awaitable[None]] | None = None,
        after: Callable[[Context], Awaitable[None]] | None = None,
    ) -> None:
        self.node = node
        self.before = before
        self.after = after
        self.total = 0
        self.calls = 0
        self.keys: list[str | None] = []

    @action(READ)
    async def read(self, context: Context, request: Nothing) -> Total:
        return await self._answer(context)

    @action(KEPT, cache=KEEPING)
    async def kept(self, context: Context, request: OfCounter) -> Total:
        return await self._answer(context)

    @action(LIMITED, rate_limit=RateLimit(per_second=1.0, burst=2))
    async def limited(self, context: Context, request: Nothing) -> Total:
        return await self._answer(context)

    @action(NARROW, bulkhead=Bulkhead(concurrency=1))
    async def narrow(self, context: Context, request: Nothing) -> Total:
        return await self._answer(context)

    async def estimate(self, context: Context, request: Nothing, error: MeshError) -> Total:
        return Total(total=-1, node=error.code)

    @action(FORGIVING, fallback=estimate)
    async def forgiving(self, context: Context, request: Nothing) -> Total:
        return await self._answer(context)

    @action(ADD)
    async def add(self, context: Context, request: Add) -> Total:
        self.keys.append(context.idempotency_key)
        if self.before is not None:
            await self.before(context)
        self.total += request.amount
        if self.after is not None:
            await self.after(context)
        return Total(total=self.total, node=self.node)

    async def _answer(self, context: Context) -> Total:
        self.calls += 1
        if self.before is not None:
            await self.before(context)
        return Total(total=self.total, node=self.node)


class Office(Service):
    """Adds the same amount twice, which are two additions."""

    name = "office"

    @action(ADD_TWICE)
    async def add_twice(self, context: Context, request: Add) -> Total:
        await context.call(ADD, request)
        return await context.call(ADD, request)


class OlderCounters(Service):
    """Of a release that knew no keys yet."""

    name = "counters"

    def __init__(self) -> None:
        self.total = 0

    @action(Action("counters.add", Add, Total, safe=False))
    async def add(self, context: Context, request: Add) -> Total:
        self.total += request.amount
        return Total(total=self.total, node="older")
