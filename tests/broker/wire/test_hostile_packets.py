"""Whatever comes in, a node goes on serving: what it does not understand is counted, and logged once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker import Broker
from broker.orders import DRAIN, RETURN
from broker.testing import MemoryNetwork, settled
from broker.wire.fields import BadPacket
from broker.wire.packets import Request, decode
from broker.wire.topics import Kind
from tests.broker.discovery.test_foreign_nodes import Foreign, server
from tests.broker.wire.test_packets import EXAMPLES, FIELD_NAMES, JSON
from tests.contract.greetings import Diary, Greetings
from tests.waiting import eventually

KINDS = st.sampled_from(Kind)
GOOD = st.sampled_from(sorted(EXAMPLES)).map(lambda kind: (kind, EXAMPLES[kind].encode()))
FIELDS = FIELD_NAMES | st.sampled_from(["instanceID", "config", "ver", "sender", "interval", "cpu"])


@st.composite
def truncated(draw: st.DrawFn) -> tuple[Kind, bytes]:
    kind, payload = draw(GOOD)
    return kind, payload[: draw(st.integers(0, len(payload) - 1))]


@st.composite
def damaged(draw: st.DrawFn) -> tuple[Kind, bytes]:
    """Some bits of it are others."""
    kind, payload = draw(GOOD)
    bytes_of_it = bytearray(payload)
    for at in draw(st.lists(st.integers(0, len(payload) - 1), min_size=1, max_size=4)):
        bytes_of_it[at] ^= draw(st.integers(1, 255))
    return kind, bytes(bytes_of_it)


@st.composite
def wrongly_typed(draw: st.DrawFn) -> tuple[Kind, bytes]:
    kind, payload = draw(GOOD)
    changes = draw(st.dictionaries(FIELDS, JSON, min_size=1, max_size=4))
    return kind, orjson.dumps(orjson.loads(payload) | changes)


@st.composite
def of_another_kind(draw: st.DrawFn) -> tuple[Kind, bytes]:
    _, payload = draw(GOOD)
    return draw(KINDS), payload


@st.composite
def parts_of_streams(draw: st.DrawFn) -> tuple[Kind, bytes]:
    kind = draw(st.sampled_from([Kind.REQUEST, Kind.RESPONSE]))
    packet = orjson.loads(EXAMPLES[kind].encode()) | {
        "id": draw(st.sampled_from("abc")),
        "seq": draw(st.integers(-1, 2**62)),
        "stream": draw(st.booleans()),
        "action": draw(st.sampled_from(["greetings.greet", "x.y"])),
        "params": draw(JSON),
        "data": draw(JSON),
        "headers": draw(st.dictionaries(st.sampled_from(["$streamError", "$streamObjectMode"]), JSON)),
    }
    return kind, orjson.dumps(packet)


def nested(depth: int) -> bytes:
    return b'{"ver":"5","sender":"x","meta":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"


def is_order(packet: tuple[Kind, bytes]) -> bool:
    """Whoever may publish on that subject is obeyed, so an order that can be understood is no attack."""
    kind, payload = packet
    try:
        order = decode(Kind.ORDER, payload)
    except BadPacket:
        return False
    return kind is Kind.ORDER and isinstance(order, Request) and order.action in (DRAIN, RETURN)


HOSTILE = (
    st.tuples(KINDS, st.binary(max_size=300))
    | truncated()
    | damaged()
    | wrongly_typed()
    | of_another_kind()
    | parts_of_streams()
).filter(lambda packet: not is_order(packet))
OVERSIZED = [
    b"[" * 1_000_000,
    b'"' + b"x" * 2_000_000,
    nested(100_000),
    b'{"ver":"5","sender":"' + b"x" * 1_000_000 + b'"}',
    b'{"ver":"5","sender":"x","id":"1","action":"greetings.greet","level":1e308,"timeout":1e308}',
    b'{"ver":"5","sender":"x","seq":' + b"9" * 5_000 + b"}",
]


class Defects(logging.Handler):
    """What would be a defect of ours, however it shows."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(self.format(record))

    def escaped(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.seen.append(f"{context['message']}: {context.get('exception')!r}")


@asynccontextmanager
async def attacked() -> AsyncIterator[tuple[Broker, Foreign]]:
    network, defects, loop = MemoryNetwork(), Defects(), asyncio.get_running_loop()
    foreign = Foreign(network)
    await foreign.join(hears_everybody=False)
    logging.getLogger("broker").addHandler(defects)
    loop.set_exception_handler(defects.escaped)
    try:
        async with server(network, Greetings("server"), Diary()) as broker:
            yield broker, foreign
    finally:
        loop.set_exception_handler(None)
        logging.getLogger("broker").removeHandler(defects)
    assert defects.seen == []


async def assert_serves(broker: Broker, foreign: Foreign) -> None:
    foreign.heard.clear()
    await foreign.tell(Kind.REQUEST, "server", id="good", action="greetings.greet", params={"name": "Ada"})
    await eventually(lambda: "good" in [packet.get("id") for _, packet in foreign.heard])
    answers = [packet for kind, packet in foreign.heard if kind is Kind.RESPONSE and packet["id"] == "good"]
    assert answers[0]["data"] == {"text": "Hello Ada", "node": "server"}
    assert await broker.call("greetings.greet", {"name": "Ada"}, node="server")


async def send(foreign: Foreign, kind: Kind, payload: bytes) -> None:
    for node in ("server", None):
        await foreign.tell_raw(kind, node, payload)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(HOSTILE, min_size=1, max_size=30))
async def test_serves_on_whatever_comes_in(hostile: list[tuple[Kind, bytes]]) -> None:
    async with attacked() as (broker, foreign):
        for kind, payload in hostile:
            await send(foreign, kind, payload)
        await assert_serves(broker, foreign)


@pytest.mark.parametrize("payload", OVERSIZED, ids=["brackets", "text", "nested", "sender", "numbers", "digits"])
@pytest.mark.parametrize("kind", Kind)
async def test_serves_on_after_oversized_packets(kind: Kind, payload: bytes) -> None:
    async with attacked() as (broker, foreign):
        await send(foreign, kind, payload)
        await assert_serves(broker, foreign)


async def test_counts_what_it_refuses_and_logs_each_fault_once(caplog: pytest.LogCaptureFixture) -> None:
    faults: dict[str, Any] = {"ver": "9", "sender": "a b", "id": 7, "action": None, "level": "high", "seq": -1}
    good = orjson.loads(EXAMPLES[Kind.REQUEST].encode())
    async with attacked() as (broker, foreign):
        with caplog.at_level(logging.WARNING):
            for _ in range(50):
                for name, value in faults.items():
                    await foreign.tell_raw(Kind.REQUEST, "server", orjson.dumps(good | {name: value}))
        refused = f'localgroup_packets_refused_total{{kind="REQ"}} {50 * len(faults):.1f}'
        assert refused.encode() in broker.metrics.exposition()
        assert len([record for record in caplog.records if "was refused" in record.message]) == len(faults)


async def test_remembers_nothing_of_strangers() -> None:
    """Packets under ever new names leave no trace."""
    async with attacked() as (broker, foreign):
        known = len(list(broker.registry))
        for number in range(2_000):
            for kind in (Kind.PONG, Kind.STREAM, Kind.RESPONSE, Kind.DISCONNECT):
                fields = {"ver": "5", "sender": f"stranger-{number}", "id": f"{number}", "success": True, "seq": number}
                await foreign.tell_raw(kind, "server", orjson.dumps(fields))
        await settled()
        assert len(list(broker.registry)) == known
        await assert_serves(broker, foreign)
