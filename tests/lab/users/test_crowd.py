"""A crowd in a process of its own, at a server that answers everybody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from lab.users import account
from lab.users.connection import Answer
from lab.users.crowd import said, written
from lab.users.plan import Group, Plan
from lab.users.record import OK, STALE, Record
from lab.users.running import Users, crowd
from tests.waiting import eventually

HOST = "127.77.11.1"
FINE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"
ENOUGH = 50


@asynccontextmanager
async def server(asked: list[bytes]) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                asked.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(FINE)
        except asyncio.IncompleteReadError:
            writer.close()

    async with await asyncio.start_server(serve, HOST, 0) as listening:
        yield listening.sockets[0].getsockname()[1]


def group(name: str, port: int, path: str, *, write: bool = False) -> Group:
    return Group(name=name, kind="browser", port=port, paths=(path,), per_second=100, users=3, write=write)


def enough(records: Sequence[Record]) -> bool:
    return len(records) >= ENOUGH


def run(plan: Plan, folder: Path, until: Callable[[Sequence[Record]], bool] = enough) -> list[Record]:
    """Until there is enough to look at. Blocks."""

    async def many(users: Users) -> None:
        await eventually(lambda: until(users.records()))

    with crowd(plan, folder) as users:
        asyncio.run(many(users))
    return users.records()


async def test_everything_that_was_asked_is_written_down(tmp_path: Path) -> None:
    asked: list[bytes] = []
    async with server(asked) as port:
        plan = Plan(
            name="www.example.org",
            addresses=(HOST,),
            groups=(group("reads", port, "/read?n={n}"), group("writes", port, "/write", write=True)),
        )
        records = await asyncio.to_thread(run, plan, tmp_path)

    assert len(records) == len(asked) >= ENOUGH
    assert account.failed(records) == {}
    assert {each.tries[0].address for each in records} == {HOST}
    keys = [each.key for each in records if each.write]
    assert len(set(keys)) == len(keys) > 0
    lines = [head.split(b"\r\n")[0] for head in asked if head.startswith(b"GET")]
    assert len(set(lines)) == len(lines) > 0


async def test_those_who_come_seldom_come_too(tmp_path: Path) -> None:
    async with server([]) as port:
        seldom = group("seldom", port, "/").model_copy(update={"per_second": 0.9})
        often = group("often", port, "/")
        plan = Plan(name="www.example.org", addresses=(HOST,), groups=(seldom, often))
        records = await asyncio.to_thread(
            run, plan, tmp_path, lambda found: any(each.group == "seldom" for each in found)
        )
    assert records


def test_a_write_has_a_key_and_a_read_has_none() -> None:
    assert written("www.example.org", 80, "/x", "k-1").startswith(b"POST /x HTTP/1.1\r\n")
    assert b"\r\nidempotency-key: k-1\r\n" in written("www.example.org", 80, "/x", "k-1")
    assert written("www.example.org", 80, "/x", "") == b"GET /x HTTP/1.1\r\nhost: www.example.org:80\r\n\r\n"


def test_an_answer_is_good_old_or_an_error() -> None:
    assert [said(Answer(*each)) for each in ((200, False), (304, False), (200, True), (503, False))] == [
        OK,
        OK,
        STALE,
        "status_503",
    ]
