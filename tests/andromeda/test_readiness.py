"""When a gateway says that its region can serve, and when not."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from andromeda.readiness import EXCUSED_SECONDS, OLD, Readiness
from broker.testing import FakeClock
from schema.errors import Internal, MeshError, NotFound, TimedOut, TooMany, Unavailable
from tests.andromeda.region import Region


class Mesh:
    def __init__(self) -> None:
        self.fails: MeshError | None = None
        self.stale = False

    async def call(self, action: str, request: Any, *, meta: dict[str, Any], **_: Any) -> int:
        if self.fails is not None:
            raise self.fails
        if self.stale:
            meta["stale"] = True
        return 1


@pytest.fixture
def mesh() -> Mesh:
    return Mesh()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def readiness(mesh: Mesh, clock: FakeClock) -> Readiness:
    found = Readiness(mesh, clock, Random(1))
    await found.ask()
    return found


async def serve(readiness: Readiness) -> None:
    """A user."""
    await readiness.call("courses.terms", {}, deadline_seconds=1, meta={}, request_id="r", headers={})


async def test_is_not_ready_before_anybody_answered(mesh: Mesh, clock: FakeClock) -> None:
    found = Readiness(mesh, clock, Random(1))
    before = found.why_not()
    mesh.fails = Unavailable("nobody serves it")
    await found.ask()

    assert before == "nobody was asked yet"
    assert found.why_not() == "unavailable: nobody serves it"


@pytest.mark.parametrize("error", [Unavailable("gone"), TimedOut("late"), Internal("broken")])
async def test_two_failures_in_a_row_make_it_not_ready_and_one_answer_ready(
    mesh: Mesh, readiness: Readiness, error: MeshError
) -> None:
    mesh.fails = error
    await readiness.ask()
    after_one = readiness.why_not()
    await readiness.ask()
    after_two = readiness.why_not()
    mesh.fails = None
    await readiness.ask()

    assert (after_one, after_two, readiness.why_not()) == (None, f"{error.code}: {error.message}", None)


@pytest.mark.parametrize("error", [TooMany("full"), NotFound("there is no document terms")])
async def test_an_answer_that_says_no_is_an_answer(mesh: Mesh, readiness: Readiness, error: MeshError) -> None:
    """A full queue is overload, and no catalogue is nothing to serve: neither is an outage."""
    mesh.fails = error
    for _ in range(5):
        await readiness.ask()

    assert readiness.why_not() is None


async def test_a_question_that_takes_too_long_is_excused_while_users_are_answered(
    mesh: Mesh, readiness: Readiness, clock: FakeClock
) -> None:
    for _ in range(5):
        mesh.fails = None
        await serve(readiness)
        mesh.fails = TimedOut("too many wait")
        await readiness.ask()
    busy = readiness.why_not()
    await clock.advance(EXCUSED_SECONDS)
    await readiness.ask()
    await readiness.ask()

    assert (busy, readiness.why_not()) == (None, "timeout: too many wait")


async def test_old_answers_alone_do_not_make_a_region_ready(mesh: Mesh, readiness: Readiness) -> None:
    mesh.stale = True
    await readiness.ask()
    await readiness.ask()

    assert readiness.why_not() == OLD


async def test_readyz_says_why(west: Region) -> None:
    west.catalogue.failing = Unavailable("no database has a majority")
    for _ in range(2):
        await west.attached.readiness.ask()
    response = await west.http.get("/readyz")

    assert response.status_code == 503
    assert response.json()["reasons"] == {"catalogue": "unavailable: no database has a majority"}
