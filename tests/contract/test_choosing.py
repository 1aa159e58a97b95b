"""What a node's strategy is told of its calls, and does with it."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from broker import Broker, Context
from broker.discovery.registry import Endpoint
from broker.load_reports import LoadReports
from broker.policies.bulkhead import Admission
from broker.policies.deadline import Deadline
from broker.strategies.strategy import NOBODY, Score, Unheeding, admitted
from broker.testing import FakeClock, MemoryNetwork
from broker.transport import Delivery, Listener
from broker.wire.load import LOAD_HEADER, Load, parse_load
from broker.wire.topics import Kind, Topics
from schema.action import Nothing
from schema.errors import Unavailable
from tests.contract.conftest import Mesh
from tests.contract.counters import READ, Counters
from tests.contract.test_policies import seen, unavailable
from tests.waiting import eventually

NOTHING = Nothing()


def scores(client: Broker) -> Mapping[str, Score]:
    return {score.node: score for score in client.explain(READ.name)}


async def test_a_node_that_fails_once_is_asked_again_later_than_the_others(mesh: Mesh) -> None:
    failing = Counters("failing", before=unavailable)
    await mesh.node("failing", failing)
    await mesh.node("other", Counters("other"))
    client = await mesh.node("client", strategy="fastest")
    await seen(client, READ.name, 2)
    for _ in range(20):
        assert (await client.call(READ, NOTHING)).node == "other"
    assert failing.calls <= 1
    assert (scores(client)["failing"].penalty_seconds > 0) == bool(failing.calls)


class LastByName(Unheeding):
    """A user's own."""

    def choose(
        self, candidates: Sequence[Endpoint], avoided: Container[str] = NOBODY, key: str | None = None
    ) -> Endpoint:
        return max(admitted(candidates, avoided), key=lambda each: each.node)


async def test_a_node_may_bring_a_strategy_of_its_own(mesh: Mesh) -> None:
    for name in ("first", "last", "even-before"):
        await mesh.node(name, Counters(name))
    client = await mesh.node("client", strategy=lambda place: LastByName())
    await seen(client, READ.name, 3)
    assert {(await client.call(READ, NOTHING)).node for _ in range(5)} == {"last"}


async def test_no_call_is_left_in_flight_however_it_ends(mesh: Mesh) -> None:
    await mesh.node("failing", Counters("failing", before=unavailable))
    await mesh.node("other", Counters("other", before=unavailable))
    client = await mesh.node("client", strategy="fastest")
    await seen(client, READ.name, 2)
    for _ in range(5):
        try:
            await client.call(READ, NOTHING)
        except Unavailable:
            continue
    assert [score.in_flight for score in scores(client).values()] == [0, 0]


async def test_a_ping_tells_how_far_a_region_is(mesh: Mesh) -> None:
    await mesh.node("far", Counters("far"), region="east")
    await mesh.node("near", Counters("near"))
    client = await mesh.node("client", strategy="fastest")
    await seen(client, READ.name, 2)
    await client.call(READ, NOTHING)
    unknown_seconds = 0.25
    await client.ping()
    await eventually(lambda: scores(client)["far"].path_seconds < unknown_seconds)


async def test_a_reply_tells_how_busy_its_node_is_to_whoever_knows_the_header(mesh: Mesh) -> None:
    await mesh.node("server", Counters("server"))
    client, listening = await mesh.node("client"), mesh.transport()
    heard: list[Delivery] = []
    await listening.connect("listening", Listener())
    await listening.subscribe(Topics(mesh.namespace).of(Kind.RESPONSE, "client"), heard.append)
    await listening.flush()
    await client.call(READ, NOTHING)
    await eventually(lambda: heard)
    await listening.close()
    load = parse_load(heard[0].headers[LOAD_HEADER])
    assert load is not None
    assert load.running == load.waiting == 0
    assert 0 < load.service_seconds < 5


def test_reports_to_one_caller_at_most_once_a_millisecond() -> None:
    reports, context = LoadReports(Admission(4, 4)), _context(began_at_seconds=9.5, received_at_seconds=9.0)
    assert parse_load(reports.headers("one", context, 10.0)[LOAD_HEADER]) == Load(0, 0, 0.5, 0.5)
    assert not reports.headers("one", context, 10.0005)
    assert reports.headers("two", context, 10.0005)
    assert reports.headers("one", context, 10.0011)


def _context(*, began_at_seconds: float, received_at_seconds: float) -> Context:
    made = Context(
        MemoryNetwork,  # type: ignore[arg-type] # calls nobody
        "1",
        "1",
        "counters",
        None,
        1,
        {},
        Deadline.after(1.0, FakeClock()),
        received_at_seconds=received_at_seconds,
    )
    made.began_at_seconds = began_at_seconds
    return made
