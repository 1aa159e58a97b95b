"""Taking a whole region out of service so that no user notices, and putting it back.

    evacuate   names lead elsewhere -> their answers are forgotten -> users leave -> nodes drain
    bring back nodes take work -> gateways welcome users -> watchers find the region ready -> names lead there again

Each step waits for the one before it, and each may be done again: who repeats an interrupted command goes on with it.
What remains running is whatever serves nobody any more; its processes may then be stopped.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from typing import TypeAlias, TypeVar

from broker.clock import Clock, sleep
from broker.discovery.registry import Node
from broker.mesh import Broker
from broker.orders import DRAIN, OPEN, RETURN, SHUT
from broker.parallel import AT_ONCE, ask_many
from broker.refusals import NotServed
from schema.action import Nothing
from schema.errors import Conflict, MeshError, NotFound, TimedOut
from schema.names import BRING_BACK, STATE, TAKE_OUT, NamesState, OfRegion, RegionNamed, TakeOut

HEAR_SECONDS = 2.0
"""For everybody to be heard of: an operator joins the mesh only for this, and nobody may be forgotten."""
ANSWER_SECONDS = 3.0
LOOK_SECONDS = 0.5

Say: TypeAlias = Callable[[str], None]
Step: TypeAlias = Callable[[str], AbstractContextManager[Say]]
"""What is shown of a step while it is being done: its title, and what it says meanwhile."""


class Evacuation:
    def __init__(self, broker: Broker, region: str, clock: Clock, step: Step, *, patience_seconds: float) -> None:
        """`patience_seconds`: what each step may take."""
        self._broker = broker
        self._region = region
        self._clock = clock
        self._step = step
        self._patience_seconds = patience_seconds

    async def evacuate(self, *, forced: bool) -> None:
        """Raises `Conflict` if nobody else is ready, and `MeshError` if a step cannot be done."""
        await self._look_around()
        if not forced:
            await self._require_another()
        with self._step(f"taking {self._region} out of the answers of every name server"):
            states = await self._ask_watchers(self._take_out) if self._watchers() or not forced else []
        remembered_seconds = max((state.ttl_seconds for state in states), default=0)
        with self._step(f"waiting {remembered_seconds} s, for as long as resolvers remember answers"):
            await sleep(self._clock, remembered_seconds)
        with self._step(f"waiting until the users of {self._region} have left") as say:
            await self._order(SHUT, say)
        with self._step(f"draining the nodes of {self._region}") as say:
            await self._order(DRAIN, say)

    async def bring_back(self) -> None:
        await self._look_around()
        with self._step(f"having the nodes of {self._region} take work again") as say:
            await self._order(RETURN, say)
        with self._step(f"opening the doors of {self._region}") as say:
            await self._order(OPEN, say)
        with self._step(f"waiting until every watcher finds {self._region} ready") as say:
            await self._until_all(lambda found: found.ready, say)
        with self._step(f"naming {self._region} again"):
            await self._ask_watchers(self._name_again)

    async def _look_around(self) -> None:
        with self._step("looking who is there"):
            await sleep(self._clock, HEAR_SECONDS)

    # --- watchers of names ------------------------------------------------------------------------------------------

    def _watchers(self) -> Sequence[str]:
        return sorted(endpoint.node for endpoint in self._broker.registry.endpoints(STATE.name))

    async def _require_another(self) -> None:
        """As every watcher sees it."""
        for state in await self._ask_watchers(self._state):
            if not any(each.ready and not each.out for each in state.regions if each.region != self._region):
                raise Conflict(f"no region but {self._region} is ready; --force takes it out all the same")

    async def _until_all(self, holds: Callable[[RegionNamed], bool], say: Say) -> None:
        deadline = self._clock.now() + self._patience_seconds
        while True:
            states = await self._ask_watchers(self._state)
            if any(all(each.region != self._region for each in state.regions) for state in states):
                raise NotFound(f"a watcher of names does not know {self._region}")
            found = [each for state in states for each in state.regions if each.region == self._region]
            missing = [each for each in found if not holds(each)]
            if not missing:
                return
            say(missing[0].problem or "not yet")
            if self._clock.now() >= deadline:
                raise TimedOut(f"{self._region} is not ready: {missing[0].problem}")
            await sleep(self._clock, LOOK_SECONDS)

    async def _ask_watchers(self, ask: Callable[[str], Awaitable[NamesState]]) -> list[NamesState]:
        """All of them answer, or it is an error."""
        watchers = self._watchers()
        if not watchers:
            raise NotFound("there is no watcher of names: nobody can say where names are to lead")
        answers = await ask_many(ask, watchers, AT_ONCE)
        return [_answered(watcher, answer) for watcher, answer in zip(watchers, answers, strict=True)]

    async def _state(self, watcher: str) -> NamesState:
        return await self._broker.call(STATE, Nothing(), node=watcher, deadline_seconds=ANSWER_SECONDS)

    async def _take_out(self, watcher: str) -> NamesState:
        """Whether that may be was asked before, of all of them."""
        request = TakeOut(region=self._region, forced=True)
        return await self._broker.call(TAKE_OUT, request, node=watcher, deadline_seconds=ANSWER_SECONDS)

    async def _name_again(self, watcher: str) -> NamesState:
        request = OfRegion(region=self._region)
        return await self._broker.call(BRING_BACK, request, node=watcher, deadline_seconds=ANSWER_SECONDS)

    # --- nodes of the region ----------------------------------------------------------------------------------------

    def _nodes(self) -> Sequence[str]:
        """Those that serve users. Its watcher goes on: the region's name server answers for the others."""
        region = [node.info.node for node in self._broker.registry if self._of_region(node)]
        return sorted(set(region) - set(self._watchers()))

    def _of_region(self, node: Node) -> bool:
        return node.available and not node.local and node.info.region == self._region

    async def _order(self, order: str, say: Say) -> None:
        """To every node, at once. Only gateways have doors; every node can be drained, and taken back."""
        waiting = set(nodes := self._nodes())
        if not nodes:
            raise NotFound(f"there is no node of {self._region}")

        async def give(node: str) -> None:
            say(", ".join(sorted(waiting)))
            try:
                await self._broker.order(node, order, deadline_seconds=self._patience_seconds)
            except (NotFound, NotServed):
                if order in (DRAIN, RETURN):
                    raise
            finally:
                waiting.discard(node)
            say(", ".join(sorted(waiting)))

        for node, outcome in zip(nodes, await ask_many(give, nodes, len(nodes)), strict=True):
            _answered(node, outcome)


Answer = TypeVar("Answer")


def _answered(node: str, answer: Answer | MeshError) -> Answer:
    if isinstance(answer, MeshError):
        raise type(answer)(f"{node}: {answer.message}") from answer
    return answer
