"""Events between real Moleculer nodes and ours, in both directions."""

from __future__ import annotations

from typing import Any

from broker import Broker, Context, Service, event
from tests.contract.greetings import GREETED, Diary, Greeted, Ledger
from tests.interop.asking import heard_by_theirs, until
from tests.interop.conftest import SharedMesh
from tests.waiting import eventually


class Attentive(Service):
    """Keeps what it is told together with what it is told beside it."""

    name = "attentive"

    def __init__(self) -> None:
        self.heard: list[tuple[Context, Greeted]] = []

    @event(GREETED)
    async def greeted(self, context: Context, payload: Greeted) -> None:
        self.heard.append((context, payload))


async def heard(ours: Broker, marker: str, count: int) -> list[dict[str, Any]]:
    """Once the foreign node has heard so many."""

    async def enough() -> list[dict[str, Any]]:
        found = await heard_by_theirs(ours, marker)
        return found if len(found) >= count else []

    events: list[dict[str, Any]] = await until(enough)
    return events


async def told_by_theirs(ours: Broker, verb: str, marker: str, **options: Any) -> None:
    request = {"event": GREETED.name, "data": {"name": marker}, "options": options}
    await ours.call(f"foreign.{verb}", request)


async def test_our_emit_reaches_each_of_their_groups_once(mesh: SharedMesh) -> None:
    ours = await mesh.ours(wait_for=["listeners"])
    await ours.emit(GREETED, Greeted(name="emitted"))
    events = await heard(ours, "emitted", 2)
    assert sorted(event["group"] for event in events) == ["archive", "listeners"]
    assert {event["kind"] for event in events} == {"emit"}
    assert {event["sender"] for event in events} == {ours.node_id}


async def test_our_broadcast_reaches_all_their_listeners(mesh: SharedMesh) -> None:
    ours = await mesh.ours(wait_for=["listeners"])
    await ours.broadcast(GREETED, Greeted(name="broadcast"))
    events = await heard(ours, "broadcast", 2)
    assert sorted(event["group"] for event in events) == ["archive", "listeners"]
    assert {event["kind"] for event in events} == {"broadcast"}


async def test_our_headers_go_along_with_an_event(mesh: SharedMesh) -> None:
    ours = await mesh.ours(wait_for=["listeners"])
    await ours.emit(GREETED, Greeted(name="headed"), headers={"x-kind": "ours"})
    events = await heard(ours, "headed", 2)
    assert [event["headers"] for event in events] == [{"x-kind": "ours"} if mesh.protocol == "5" else None] * 2


async def test_their_emit_reaches_one_node_of_each_of_our_groups(mesh: SharedMesh) -> None:
    diaries, ledgers = [Diary(), Diary()], [Ledger(), Ledger()]
    for diary, ledger in zip(diaries, ledgers, strict=True):
        ours = await mesh.ours(diary, ledger, wait_for=["foreign"])
    for marker in ("one", "two"):
        await told_by_theirs(ours, "emit", marker)
    await eventually(lambda: sorted(diaries[0].names + diaries[1].names) == ["one", "two"])
    await eventually(lambda: sorted(ledgers[0].names + ledgers[1].names) == ["one", "two"])


async def test_their_emit_to_one_group_reaches_no_other(mesh: SharedMesh) -> None:
    diary, ledger = Diary(), Ledger()
    ours = await mesh.ours(diary, ledger, wait_for=["foreign"])
    await told_by_theirs(ours, "emit", "for the ledger", groups=["ledger"])
    await told_by_theirs(ours, "emit", "for all")
    await eventually(lambda: ledger.names == ["for the ledger", "for all"])
    assert diary.names == ["for all"]


async def test_their_broadcast_reaches_every_node_of_ours(mesh: SharedMesh) -> None:
    diaries = [Diary(), Diary()]
    for diary in diaries:
        ours = await mesh.ours(diary, wait_for=["foreign"])
    await told_by_theirs(ours, "broadcast", "everybody")
    await eventually(lambda: [diary.names for diary in diaries] == [["everybody"]] * 2)


async def test_their_event_brings_its_meta_headers_and_request_id(mesh: SharedMesh) -> None:
    attentive = Attentive()
    ours = await mesh.ours(attentive, wait_for=["foreign"])
    await told_by_theirs(ours, "emit", "laden", meta={"user": 7}, headers={"x-kind": "theirs"}, requestID="chosen")
    await eventually(lambda: attentive.heard)
    context, payload = attentive.heard[0]
    assert (payload.name, context.meta["user"], context.request_id) == ("laden", 7, "chosen")
    assert context.headers == ({"x-kind": "theirs"} if mesh.protocol == "5" else {})
