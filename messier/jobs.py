"""What is done on a schedule, somewhere: every messier looks, one of them gets the lease and works.

    Jobs(broker, clock, random, [Job("forget-answers", every_seconds=600, work=forget_answers(broker))])

Time is cut into slots, and each slot is done once. A node that works renews its lease; one that is gone does not, and
then another takes the slot over, in any region. A slot that nobody was there for is left out, not made up for.

A node that cannot renew stops working when its lease has run out. Should it not notice in time, its lease's token is
refused where it matters, in the transaction of each step (`whirlpool/leases.py`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from random import Random
from typing import Literal, NamedTuple, TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge

from broker import Broker
from broker.clock import Clock, sleep
from broker.periodic import every
from broker.policies.idempotency import KEY_HEADER
from schema.errors import Conflict, MeshError
from schema.jobs import CLAIM_SLOT, END_LEASE, READ_SLOT, RENEW_LEASE, ClaimSlot, EndLease, OfLease, OfSlot, RenewLease

logger = logging.getLogger(__name__)

LEASE_SECONDS = 6.0
"""A cluster that loses a region holds commits up for five seconds or so: the leases of others outlast that."""
RENEW_SECONDS = 1.0
LOOK_SECONDS = 1.0
"""A lease that ran out is noticed by then: with the two above, a lost region's work goes on within eight seconds."""
CALL_SECONDS = 5.0
DRAIN_SECONDS = 5.0


class JobMetrics:
    """Every job of a process, told apart by the label `job`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.turns = Counter("localgroup_jobs_turns", "Slots that were begun.", ["job"], registry=registry)
        self.ended = Counter(
            "localgroup_jobs_ended", "Turns that ended: done, failed, or lost.", ["job", "outcome"], registry=registry
        )
        self.seconds = Counter("localgroup_jobs_seconds", "Time that turns took.", ["job"], registry=registry)
        self.running = Gauge("localgroup_jobs_running", "1 while this node works on it.", ["job"], registry=registry)
        self.done_at = Gauge(
            "localgroup_jobs_done_timestamp_seconds", "When this node last did a slot.", ["job"], registry=registry
        )


class Turn(NamedTuple):
    """A job's right to one slot. Each step of the work passes `lease` on."""

    lease: OfLease
    slot: int
    until_seconds: float
    """Of this node's clock: the lease is held until then, if it is not renewed."""

    def key(self, step: str) -> Mapping[str, str]:
        """Headers of a write that must happen once in the slot, even if another takes the slot over."""
        return {KEY_HEADER: f"{self.lease.job}/{self.slot}/{step}"}


Outcome: TypeAlias = Literal["done", "failed", "lost"]
"""`lost` is a turn that was broken off: its lease was lost, or this node ends."""
Work: TypeAlias = Callable[[Turn], Awaitable[None]]


class Claim(NamedTuple):
    request: ClaimSlot
    until_seconds: float
    """A lease that it got is held until then at least."""


class Job(NamedTuple):
    """`work` is cut off when the lease is lost, and begun again, here or elsewhere, if it fails."""

    name: str
    every_seconds: int
    work: Work


class Jobs:
    def __init__(
        self,
        broker: Broker,
        clock: Clock,
        random: Random,
        jobs: Sequence[Job],
        *,
        metrics: JobMetrics | None = None,
    ) -> None:
        """Counted among the broker's metrics, if it is not said where else."""
        self._broker = broker
        self._clock = clock
        self._random = random
        self._jobs = jobs
        self._metrics = metrics or JobMetrics(broker.metrics.registry)
        self._done: dict[str, int] = {}
        """The newest slot of each job that is known to be done: nobody has to be asked about it again."""
        self._unanswered: dict[str, Claim] = {}
        self._looking: list[asyncio.Task[None]] = []
        self._working: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> None:
        for job in self._jobs:
            look = partial(self.look, job)
            self._looking.append(asyncio.ensure_future(every(self._clock, LOOK_SECONDS, self._random, look)))

    async def drain(self) -> None:
        """What is begun may finish, for a while; what does not is begun again elsewhere, at once."""
        await _end(self._looking)
        if self._working:
            await asyncio.wait(self._working.values(), timeout=DRAIN_SECONDS)
        await _end(self._working.values())

    async def stop(self) -> None:
        await _end([*self._looking, *self._working.values()])

    async def look(self, job: Job) -> None:
        """Begins the slot that it is time for, unless it is done, or another has it."""
        slot = self._clock.epoch_milliseconds() // 1000 // job.every_seconds
        if job.name in self._working or self._done.get(job.name) == slot:
            return
        try:
            turn = await self._claim(job, slot)
        except MeshError as error:
            logger.debug("nobody can tell whether %s is to be done: %s", job.name, error)
        else:
            if turn is not None:
                self._begin(job, turn)

    async def _claim(self, job: Job, slot: int) -> Turn | None:
        """A claim whose answer got lost, as it does when the cluster loses a region, is repeated: it may have got the
        lease, which nobody else could have before it ran out."""
        claim = self._unanswered.get(job.name)
        if claim is None or claim.request.slot != slot or claim.until_seconds <= self._clock.now():
            if not await self._is_free(job, slot):
                return None
            attempt = f"{self._broker.node_id}/{self._random.getrandbits(64):016x}"
            request = ClaimSlot(job=job.name, slot=slot, holder=attempt, lease_seconds=LEASE_SECONDS)
            claim = self._unanswered[job.name] = Claim(request, self._clock.now() + LEASE_SECONDS)
        claimed = await self._broker.call(CLAIM_SLOT, claim.request, deadline_seconds=CALL_SECONDS)
        del self._unanswered[job.name]
        if claimed.token is None:
            return None
        return Turn(OfLease(job=job.name, token=claimed.token), slot, claim.until_seconds)

    async def _is_free(self, job: Job, slot: int) -> bool:
        state = await self._broker.call(READ_SLOT, OfSlot(job=job.name, slot=slot), deadline_seconds=CALL_SECONDS)
        if state.done:
            self._done[job.name] = slot
        return state.free and not state.done

    def _begin(self, job: Job, turn: Turn) -> None:
        task = asyncio.ensure_future(self._run(job, turn))
        self._working[job.name] = task
        task.add_done_callback(lambda _: self._working.pop(job.name))

    async def _run(self, job: Job, turn: Turn) -> None:
        logger.info("%s: slot %d begins under token %d", job.name, turn.slot, turn.lease.token)
        began_seconds = self._clock.now()
        self._metrics.turns.labels(job.name).inc()
        self._metrics.running.labels(job.name).set(1)
        working = asyncio.ensure_future(job.work(turn))
        renewing = asyncio.ensure_future(self._renew(turn))
        try:
            await asyncio.wait({working, renewing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            outcome = _outcome(job, working)
            self._count(job, outcome, self._clock.now() - began_seconds)
            await _end([working, renewing])
            if await self._end_lease(turn, done=outcome == "done"):
                self._done[job.name] = turn.slot

    def _count(self, job: Job, outcome: Outcome, seconds: float) -> None:
        self._metrics.running.labels(job.name).set(0)
        self._metrics.ended.labels(job.name, outcome).inc()
        self._metrics.seconds.labels(job.name).inc(seconds)
        if outcome == "done":
            self._metrics.done_at.labels(job.name).set(self._clock.epoch_milliseconds() / 1000)

    async def _renew(self, turn: Turn) -> None:
        """Returns when the lease is lost, or may be."""
        lease, until_seconds = turn.lease, turn.until_seconds
        renewal = RenewLease(job=lease.job, token=lease.token, lease_seconds=LEASE_SECONDS)
        while (asked_at_seconds := self._clock.now()) < until_seconds:
            left_seconds = until_seconds - asked_at_seconds
            try:
                await self._broker.call(RENEW_LEASE, renewal, deadline_seconds=min(CALL_SECONDS, left_seconds))
            except Conflict as error:
                logger.warning("%s", error.message)
                return
            except MeshError as error:
                logger.info("the lease of %s could not be renewed: %s", lease.job, error.message)
            else:
                until_seconds = asked_at_seconds + LEASE_SECONDS
            await sleep(self._clock, max(0.0, min(RENEW_SECONDS, until_seconds - self._clock.now())))
        logger.warning("the lease of %s has run out", lease.job)

    async def _end_lease(self, turn: Turn, *, done: bool) -> bool:
        """Whether it is known that the slot is done. A lease that nobody ends runs out."""
        ended = EndLease(job=turn.lease.job, token=turn.lease.token, done=done)
        try:
            await self._broker.call(END_LEASE, ended, deadline_seconds=CALL_SECONDS)
        except MeshError as error:
            logger.warning("slot %d of %s: %s", turn.slot, turn.lease.job, error.message)
            return False
        return done


def _outcome(job: Job, working: asyncio.Task[None]) -> Outcome:
    if not working.done() or working.cancelled():
        return "lost"
    if (error := working.exception()) is not None:
        logger.error("%s failed, and will be begun again: %s", job.name, error, exc_info=error)
        return "failed"
    return "done"


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)
