"""Spans of OpenTelemetry, with its SDK and without."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from broker import Broker, BrokerConfig, Context, Service
from broker.observe.tracing import Tracing, tracing
from broker.testing import MemoryNetwork, settled
from schema.errors import Conflict
from tests.contract.greetings import GREET, GREETED, WELCOME, Diary, Greet, Greeted, Greetings, Hall

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
ADA = Greet(name="Ada")


class Traced:
    """A mesh whose nodes have an SDK, and the spans that ended."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._provider = TracerProvider()
        self._provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._network = MemoryNetwork()
        self._nodes: list[Broker] = []

    async def node(self, name: str, *services: Service) -> Broker:
        tracer = self._provider.get_tracer("test")
        config = BrokerConfig(region="west", node=name)
        broker = Broker(config, self._network.transport(), middlewares=[Tracing(tracer, name, "west")])
        for service in services:
            broker.add(service)
        await broker.start()
        self._nodes.append(broker)
        return broker

    async def end(self) -> None:
        await asyncio.gather(*(node.stop() for node in self._nodes))

    def spans(self) -> list[ReadableSpan]:
        """From the outermost to the innermost."""
        return list(reversed(self._exporter.get_finished_spans()))


@pytest.fixture
async def mesh() -> AsyncIterator[Traced]:
    traced = Traced()
    yield traced
    await traced.end()


def parent_of(span: ReadableSpan) -> str:
    assert span.parent is not None
    return f"{span.parent.span_id:016x}"


def identity(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.span_id:016x}"


async def test_joins_calls_and_requests_of_all_nodes_to_one_tree(mesh: Traced) -> None:
    await mesh.node("server", Greetings())
    await mesh.node("middle", Hall())
    client = await mesh.node("client")
    await client.call(WELCOME, ADA, headers={"traceparent": TRACEPARENT})
    spans = mesh.spans()
    assert [(span.name, span.kind) for span in spans] == [
        ("hall.welcome", SpanKind.CLIENT),
        ("hall.welcome", SpanKind.SERVER),
        ("greetings.greet", SpanKind.CLIENT),
        ("greetings.greet", SpanKind.SERVER),
    ]
    assert {f"{span.context.trace_id:032x}" for span in spans if span.context} == {TRACE}
    assert [parent_of(span) for span in spans] == [SPAN, *map(identity, spans[:-1])]


async def test_says_node_region_request_and_caller(mesh: Traced) -> None:
    await mesh.node("server", Greetings())
    await mesh.node("middle", Hall())
    client = await mesh.node("client")
    await client.call(WELCOME, ADA, request_id="r-1")
    attributes = mesh.spans()[-1].attributes or {}
    assert attributes["localgroup.node"] == "server"
    assert attributes["localgroup.request_id"] == "r-1"
    assert attributes["localgroup.caller"] == "hall"
    assert (attributes["rpc.service"], attributes["rpc.method"]) == ("greetings", "greet")


async def test_marks_what_failed_by_its_code(mesh: Traced) -> None:
    async def refuse(context: Context) -> None:
        raise Conflict("not twice")

    await mesh.node("server", Greetings(before=refuse))
    client = await mesh.node("client")
    with pytest.raises(Conflict):
        await client.call(GREET, ADA)
    for span in mesh.spans():
        assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "conflict")


async def test_makes_a_defect_internal_in_the_trace_of_the_node_that_has_it(mesh: Traced) -> None:
    async def fail(context: Context) -> None:
        raise ZeroDivisionError

    await mesh.node("server", Greetings(before=fail))
    client = await mesh.node("client")
    with pytest.raises(Exception, match="internal"):
        await client.call(GREET, ADA)
    assert {span.status.description for span in mesh.spans()} == {"internal"}


async def test_begins_the_trace_of_a_foreign_call_at_its_ids(mesh: Traced) -> None:
    greetings = Greetings()
    await mesh.node("server", greetings)
    client = Broker(BrokerConfig(region="west", node="client"), mesh._network.transport())
    async with client:
        await client.call(GREET, ADA, request_id="c0ffee00-0000-4000-8000-000000000001")
    span = mesh.spans()[0]
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == "c0ffee0000004000800000000000" + "0001"
    assert span.parent is not None


async def test_follows_an_event_to_those_who_hear_it(mesh: Traced) -> None:
    await mesh.node("listener", Diary())
    client = await mesh.node("client")
    await client.emit(GREETED, Greeted(name="Ada"), headers={"traceparent": TRACEPARENT})
    await settled()
    [span] = mesh.spans()
    assert (span.name, span.kind, parent_of(span)) == ("greetings.greeted", SpanKind.CONSUMER, SPAN)


def test_adds_nothing_without_an_sdk() -> None:
    assert tracing("node", "west") == ()


def test_uses_the_sdk_that_the_process_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "get_tracer_provider", TracerProvider)
    [middleware] = tracing("node", "west")
    assert isinstance(middleware, Tracing)
