"""The streams of a node: which ones come in, which go out, and how both look in Moleculer's packets.

A stream is a row of REQ or RES packets with one id: number 0 opens it and is the request or answer itself, the others
carry one chunk each, the last has `stream: false`. What a stream is made of, and why it broke, stands in `headers`
since protocol 5, in `meta` before. Nodes of ours tell each other on STREAM how far they have read.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import orjson

from broker.clock import Clock
from broker.discovery.registry import Registry
from broker.observe.metrics import Metrics
from broker.streams.chunks import chunk_bytes_max, cut, encode_bytes, held_bytes, is_bytes
from broker.streams.inflow import Inflow, Part, Room
from broker.streams.outflow import Outflow, Source
from broker.tasks import Tasks
from broker.transport import Transport
from broker.wire.errors import INTERNAL_MESSAGE, from_wire, to_wire
from broker.wire.packets import Ping, Pong, Progress, Request, Response
from broker.wire.topics import Kind, Topics
from schema.errors import Internal, Invalid, MeshError, TooMany, Unavailable
from schema.stream import Stream

OBJECTS, FAILURE = "$streamObjectMode", "$streamError"
PACKET_BYTES = 100
"""What the number and flags of a chunk add to the packet that opens its stream, at most."""
SEQ_DIGITS_MAX = 18
ENDED_REMEMBERED = 1_024
"""Streams whose late packets are known to be late."""

Key: TypeAlias = tuple[str, str]
"""The other node, and the call's id."""

logger = logging.getLogger(__name__)


class Opening(NamedTuple):
    """How one side of a call writes its stream: the packet that opens it, and those that follow."""

    to: str
    kind: Kind
    packet: Request | Response

    def part(self, seq: int, value: Any, flags: Mapping[str, Any], *, last: bool = False) -> bytes:
        packet = self.packet._replace(seq=seq, stream=not last, **_flagged(self.packet.version, flags))
        if isinstance(packet, Request):
            return packet._replace(params=value).encode()
        return packet._replace(data=value).encode()

    def broken(self, seq: int, error: dict[str, Any], flags: Mapping[str, Any]) -> bytes:
        if isinstance(self.packet, Request):
            return self.part(seq, None, {**flags, FAILURE: error}, last=True)
        return self._replace(packet=self.packet._replace(error=error)).part(seq, None, flags, last=True)


class Streams:
    def __init__(
        self,
        node: str,
        *,
        transport: Transport,
        topics: Topics,
        registry: Registry,
        metrics: Metrics,
        clock: Clock,
        tasks: Tasks,
        idle_seconds: float,
        capacity: int,
    ) -> None:
        """`capacity`: how many may come in at once, and how many go out."""
        self._node = node
        self._transport = transport
        self._topics = topics
        self._registry = registry
        self._metrics = metrics
        self._clock = clock
        self._tasks = tasks
        self._idle_seconds = idle_seconds
        self._capacity = capacity
        self._room = Room()
        self._inflows: dict[Key, Inflow] = {}
        self._outflows: dict[Key, Outflow] = {}
        self._ended: dict[Key, None] = {}

    # --- coming in ------------------------------------------------------------------------------------------

    def knows(self, packet: Request | Response) -> bool:
        return (packet.sender, packet.id) in self._inflows

    def receive(self, packet: Request | Response) -> Stream[Any] | None:
        """The stream itself if the packet opens one. Raises `TooMany`."""
        key = packet.sender, packet.id
        inflow = self._inflows.get(key)
        if inflow is None:
            if key in self._ended:
                self._metrics.late_answers.inc()
                return None
            inflow = self._expect(key, packet.version, told=packet.progress)
        inflow.take(_part(packet))
        return Stream(inflow) if packet.seq == 0 else None

    def _expect(self, key: Key, version: str, *, told: bool) -> Inflow:
        if len(self._inflows) >= self._capacity:
            self._remember(key)
            raise TooMany("too many streams come in")

        def report(seq: int, done: bool) -> None:
            if told:
                self._tasks.spawn(self._report(key, Progress(version, self._node, key[1], seq, done)))

        inflow = Inflow(
            self._clock,
            room=self._room,
            idle_seconds=self._idle_seconds,
            report=report,
            ended=lambda: self._forget(key),
        )
        self._inflows[key] = inflow
        return inflow

    def _forget(self, key: Key) -> None:
        del self._inflows[key]
        self._remember(key)

    def _remember(self, key: Key) -> None:
        self._ended[key] = None
        if len(self._ended) > ENDED_REMEMBERED:
            del self._ended[next(iter(self._ended))]

    async def _report(self, key: Key, packet: Progress) -> None:
        await self._transport.publish(self._topics.of(Kind.STREAM, key[0]), packet.encode())

    # --- going out ------------------------------------------------------------------------------------------

    def receive_progress(self, packet: Progress) -> None:
        outflow = self._outflows.get((packet.sender, packet.id))
        if outflow is None:
            return
        if packet.done:
            outflow.cancel()
        else:
            outflow.read(packet.seq)

    async def begin(self, opening: Opening, source: Source, reply: str = "") -> asyncio.Task[MeshError | None]:
        """Sends the opening, then in a task what follows; the task's result is why it could not send all of it.
        Raises `TooMany`, `NotSent`, and `Invalid` for an opening that is no JSON."""
        key = opening.to, opening.packet.id
        if len(self._outflows) >= self._capacity:
            raise TooMany("too many streams go out")
        told = self._told_by(opening.to)
        outflow = Outflow(
            self._clock, idle_seconds=self._idle_seconds, ask=None if told else partial(self._ask, opening)
        )
        self._outflows[key] = outflow
        try:
            await self._transport.publish(
                self._topics.of(opening.kind, opening.to), _opened(opening, source, told), reply
            )
        except BaseException:
            del self._outflows[key]
            raise
        outflow.task = asyncio.get_running_loop().create_task(self._send(opening, source, outflow, packed=told))
        outflow.task.add_done_callback(lambda _: self._outflows.pop(key, None))
        return outflow.task

    async def _ask(self, opening: Opening, seq: int) -> None:
        now = self._clock.epoch_milliseconds()
        ping = Ping(opening.packet.version, self._node, f"{opening.packet.id}.{seq}", now)
        await self._transport.publish(self._topics.of(Kind.PING, opening.to), ping.encode())

    def receive_pong(self, pong: Pong) -> None:
        """Those that a stream asked for; others have no dot in their id."""
        call, _, seq = pong.id.rpartition(".")
        outflow = self._outflows.get((pong.sender, call))
        if outflow is not None and seq.isascii() and seq.isdecimal():
            outflow.read(int(seq[:SEQ_DIGITS_MAX]))

    def _told_by(self, node: str) -> bool:
        """Whether this node tells how far it has read."""
        known = self._registry.get(node)
        return known is not None and known.info.streams

    async def _send(self, opening: Opening, source: Source, outflow: Outflow, *, packed: bool) -> MeshError | None:
        flags = _flags(source)
        bare = opening._replace(packet=opening.packet._replace(meta={}, headers={}))
        subject = self._topics.of(opening.kind, opening.to)
        size_bytes = chunk_bytes_max(
            self._transport.max_payload_bytes, len(bare.part(0, None, flags)) + PACKET_BYTES, packed=packed
        )
        seq, failure = 0, None
        try:
            async for chunk in source:
                for value, value_bytes in _pieces(chunk, size_bytes, objects=bool(flags), packed=packed):
                    seq += 1
                    await self._transport.publish(subject, bare.part(seq, value, flags))
                    await outflow.sent(seq, value_bytes)
        except MeshError as error:
            failure = error
        except Exception:
            logger.exception("the maker of a stream failed")
            failure = Internal(INTERNAL_MESSAGE)
        finally:
            await source.aclose()
        try:
            if failure is None:
                ending = bare.part(seq + 1, None, flags, last=True)
            else:
                await outflow.before_failure(seq)
                ending = bare.broken(seq + 1, to_wire(failure, self._node), flags)
            await self._transport.publish(subject, ending)
        except MeshError as error:
            return error
        return failure

    # --- what ends them -------------------------------------------------------------------------------------

    def fail_node(self, node: str) -> None:
        self._fail(lambda key: key[0] == node, Unavailable(f"{node} left in the middle of a stream"))

    def fail_all(self, reason: str) -> None:
        self._fail(lambda key: True, Unavailable(reason))

    def _fail(self, concerned: Callable[[Key], bool], error: MeshError) -> None:
        for inflow in [inflow for key, inflow in self._inflows.items() if concerned(key)]:
            inflow.fail(error)
        for outflow in [outflow for key, outflow in self._outflows.items() if concerned(key)]:
            outflow.cancel()


def _part(packet: Request | Response) -> Part:
    seq = packet.seq or 0
    flags = packet.headers if packet.version == "5" else packet.meta
    if isinstance(packet, Request):
        value, problem = packet.params, flags.get(FAILURE)
    else:
        value, problem = packet.data, packet.error
    last = seq > 0 and not packet.stream
    error = from_wire(problem) if isinstance(problem, dict) else None
    if seq == 0 or last:
        return Part(seq, None, 0, last=last, error=error)
    return Part(seq, value, held_bytes(value), objects=flags.get(OBJECTS) is True)


def _pieces(chunk: Any, size_bytes: int, *, objects: bool, packed: bool) -> Any:
    """Values as they are written, with the sizes by which both ends measure them."""
    if is_bytes(chunk) == objects:
        raise Invalid("a stream has either bytes or objects")
    if objects:
        try:
            written = orjson.dumps(chunk)
        except TypeError as error:
            raise Invalid("a chunk of a stream is not JSON") from error
        yield orjson.Fragment(written), len(written)
        return
    for piece in cut(chunk, size_bytes):
        yield encode_bytes(piece, packed=packed), len(piece)


def _flags(source: Source) -> dict[str, Any]:
    return {} if is_bytes(source.first) else {OBJECTS: True}


def _opened(opening: Opening, source: Source, told: bool) -> bytes:
    packet = opening.packet._replace(seq=0, stream=True, progress=told)
    try:
        return packet._replace(**_flagged(packet.version, _flags(source), packet)).encode()
    except TypeError as error:
        raise Invalid("what opens a stream is not JSON") from error


def without_flags(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What is meant for people: before protocol 5 the flags stand between."""
    return {name: value for name, value in fields.items() if name not in (OBJECTS, FAILURE)}


def _flagged(version: str, flags: Mapping[str, Any], packet: Request | Response | None = None) -> dict[str, Any]:
    """Where this protocol keeps the flags of a stream."""
    name = "headers" if version == "5" else "meta"
    return {name: {**getattr(packet, name), **flags} if packet is not None else dict(flags)}
