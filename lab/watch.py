"""The program beside each Galera member that brings it back to its cluster, and the cluster back when all had lost it:
`reunion` says how.

It tells whoever connects what its member is, in one line of JSON, and asks the other watches only while its own
member does not serve. It touches no member but its own. It imports little, since there is one in every region.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Protocol, TypeAlias

import orjson

from lab.galera import DISCONNECTED, PRIMARY
from lab.laboratory import remembered
from lab.recovery import DifferentHistories, Position
from lab.regions import GALERA_WATCH, Region
from lab.reunion import Heard, Said, State, Step, next_step, quiet
from lab.watched_member import WatchedMember

ROUND_SECONDS = 1.0
ANSWER_SECONDS = 3.0
"""A watch answers from memory; this is a slow line and a busy machine."""
BEGUN_SECONDS = 60.0
"""So long its engine may take to start, before a member that began counts as one that waits."""
UNDECIDABLE_SECONDS = 600.0
"""A person has to choose between different histories; until then members that run are better than members that stop."""
SILENT_SECONDS_MAX = 30.0
"""A member that served, and is too busy to say so, serves."""
ANSWER_BYTES_MAX = 1024

logger = logging.getLogger(__name__)

Ask: TypeAlias = Callable[[], Awaitable[Mapping[str, Said | None]]]
"""What the other watches say now."""


class Member(Protocol):
    """The watched one. All of it may block for seconds."""

    def status(self) -> str | None:
        """Galera's word for it; `SILENT` of one that does not run yet; None where it runs and does not say."""
        ...

    def runs(self) -> bool:
        """Or is being started, or started again."""
        ...

    def was_stopped(self) -> bool:
        """By a watch that then was itself ended."""
        ...

    def stop(self) -> Position:
        """How far its data came. It can only join afterwards."""
        ...

    def start(self, *, begin: bool) -> None: ...

    def restart(self) -> None:
        """It joins again with what it has, or with a copy if that is not to be trusted."""
        ...


class Watch:
    def __init__(self, name: str, member: Member, ask: Ask, now: Callable[[], float]) -> None:
        """`now`: in seconds."""
        self._name = name
        self._member = member
        self._ask = ask
        self._now = now
        self._still: Position | None = None
        self._still_at_seconds = 0.0
        self._served_at_seconds = -SILENT_SECONDS_MAX
        self._quiet_since_seconds: float | None = None
        self._left_since_seconds: float | None = None
        self._patient_until_seconds = 0.0
        self.said = Said(State.DOWN)

    async def start(self) -> None:
        if await asyncio.to_thread(self._member.was_stopped):
            await self._start(begin=False)

    async def round(self) -> None:
        self.said = await asyncio.to_thread(self._observe)
        if self.said.state is State.SERVING:
            self._quiet_since_seconds = None
            return
        heard = {**await self._ask(), self._name: self.said}
        try:
            step = next_step(
                self._name,
                heard,
                quiet_seconds=self._quiet_seconds(heard),
                still_seconds=self._now() - self._still_at_seconds,
                left_seconds=self._since(self._left_since_seconds),
            )
        except DifferentHistories:
            logger.exception("nobody begins: choose with `make recover FROM=`")
            self._patient_until_seconds = self._now() + UNDECIDABLE_SECONDS
            step = Step.JOIN
        await self._take(step)

    def _observe(self) -> Said:
        if self._still is not None and not self._member.runs():
            return Said(State.STILL, self._still)
        if self._still is not None:  # somebody started it over our heads
            self._still = self._quiet_since_seconds = None
        if self._serves():
            return Said(State.SERVING)
        return Said(State.APART if self._member.runs() else State.DOWN)

    def _serves(self) -> bool:
        status, now = self._member.status(), self._now()
        if status != DISCONNECTED:
            self._left_since_seconds = None
        elif self._left_since_seconds is None:
            self._left_since_seconds = now
        if status == PRIMARY:
            self._served_at_seconds = now
        return status == PRIMARY or (status is None and now - self._served_at_seconds < SILENT_SECONDS_MAX)

    def _quiet_seconds(self, heard: Heard) -> float:
        now = self._now()
        if not quiet(heard) or now < self._patient_until_seconds:
            self._quiet_since_seconds = None
            return 0.0
        if self._quiet_since_seconds is None:
            self._quiet_since_seconds = now
        return self._since(self._quiet_since_seconds)

    def _since(self, seconds: float | None) -> float:
        return 0.0 if seconds is None else self._now() - seconds

    async def _take(self, step: Step) -> None:
        if step is Step.WAIT:
            return
        logger.warning("%s: %s", self._name, step)
        if step is Step.STAND_STILL:
            await self._stand_still()
        elif step is Step.RESTART:
            self._left_since_seconds = None
            await asyncio.to_thread(self._member.restart)
        else:
            await self._start(begin=step is Step.BEGIN)

    async def _stand_still(self) -> None:
        try:
            self._still = await asyncio.to_thread(self._member.stop)
        except Exception:
            await self._start(begin=False)  # nobody else would
            raise
        self._still_at_seconds = self._now()
        self.said = Said(State.STILL, self._still)

    async def _start(self, *, begin: bool) -> None:
        self._still, self.said = None, Said(State.APART)  # before it is so: nobody shall count on a position that moves
        self._quiet_since_seconds = None
        if begin:
            self._patient_until_seconds = self._now() + BEGUN_SECONDS
        await asyncio.to_thread(lambda: self._member.start(begin=begin))


def encode(said: Said) -> bytes:
    return orjson.dumps({"state": said.state, "position": asdict(said.position)}, option=orjson.OPT_APPEND_NEWLINE)


def decode(line: bytes) -> Said:
    """Raises ValueError, TypeError or KeyError."""
    told = orjson.loads(line)
    return Said(State(told["state"]), Position(**told["position"]))


async def ask(region: Region) -> Said | None:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(region.address, GALERA_WATCH, limit=ANSWER_BYTES_MAX)
            try:
                return decode(await reader.readline())
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError, TypeError, KeyError) as error:
        logger.debug("%s does not say how its member is: %s", region.name, error)
        return None


async def ask_all(regions: list[Region]) -> dict[str, Said | None]:
    answers = await asyncio.gather(*map(ask, regions))
    return {region.name: said for region, said in zip(regions, answers, strict=True)}


async def go_on(watch: Watch, region: Region) -> None:
    """Until the process ends. One round that fails does not end the others."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(encode(watch.said))
        writer.close()

    await watch.start()
    async with await asyncio.start_server(answer, region.address, GALERA_WATCH):
        while True:
            try:
                await watch.round()
            except Exception:
                logger.exception("a round failed; the next one comes")
            await asyncio.sleep(ROUND_SECONDS)


def main() -> None:
    state, name = Path(sys.argv[1]), sys.argv[2]
    laboratory = remembered(state)
    if laboratory is None:
        sys.exit(f"there is no laboratory in {state}")
    region = laboratory.region(name)
    others = [each for each in laboratory.regions if each != region]
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    watch = Watch(name, WatchedMember(laboratory, region), lambda: ask_all(others), time.monotonic)
    asyncio.run(go_on(watch, region))


if __name__ == "__main__":
    main()
