from __future__ import annotations

import asyncio
import gzip
from typing import Any

import pytest
from backports import zstd

from schema.errors import (
    Conflict,
    Forbidden,
    Internal,
    Invalid,
    MeshError,
    TimedOut,
    TooMany,
    Unauthorized,
    Unavailable,
)
from tests.andromeda.region import CHANGED_AT, Region, documents

FETCH = "/slugsurvival/data/fetch/"
TERM = FETCH + "terms/2168"
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
KEYS = sorted(documents())


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("suffix", ["", ".json"])
async def test_every_document_is_served_as_it_is(steady: Region, key: str, suffix: str) -> None:
    response = await steady.http.get(FETCH + key + suffix)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json() == documents()[key]


@pytest.mark.parametrize("key", KEYS)
async def test_every_document_has_a_timestamp(steady: Region, key: str) -> None:
    assert (await steady.http.get(f"{FETCH}timestamp/{key}")).json() == CHANGED_AT


UNKNOWN = [
    "terms/9999", "terms/abc", "terms/", "terms/2168/", "terms//2168", "terms/2168.JSON",
    "terms/2168.json.json", "terms/%00", "terms/2168%0a", "terms/..%2f..%2fetc%2fpasswd",
    "terms/%D9%A2%D9%A1%D9%A6%D9%A8", "terms/%ff", "offered/monsoon", "nothing", "ge/1", "timestamp",
    "timestamp/", "timestamp/nothing", "timestamp/timestamp/terms", "timestamp/terms/9999",
]  # fmt: skip


@pytest.mark.parametrize("key", [*UNKNOWN, ""])
async def test_an_unknown_key_is_not_found(steady: Region, key: str) -> None:
    response = await steady.http.get(FETCH + key)
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"
    assert response.headers["cache-control"] == "no-store"


async def test_a_key_that_cannot_exist_is_not_asked_for(west: Region) -> None:
    await west.http.get(FETCH + "terms/abc")
    assert not west.catalogue.asked


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/nothing", "/slugsurvival", "/slugsurvival/data/fetch", TERM, "/healthz"]
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE"])
async def test_nothing_can_be_written(steady: Region, path: str, method: str) -> None:
    response = await steady.http.request(method, path)
    exists = (await steady.http.get(path)).status_code != 404
    assert response.status_code == (405 if exists else 404)
    assert response.json()["error"]["code"] == ("method_not_allowed" if exists else "not_found")
    assert ("allow" in response.headers) is exists


async def test_an_unchanged_document_costs_no_body(steady: Region) -> None:
    tag = (await steady.http.get(TERM)).headers["etag"]
    response = await steady.http.get(TERM, headers={"if-none-match": f'"other", W/{tag}'})
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == tag
    assert response.headers["vary"] == "accept-encoding"
    assert "content-type" not in response.headers


@pytest.mark.parametrize(("coding", "decode"), [("gzip", gzip.decompress), ("zstd", zstd.decompress)])
async def test_a_large_document_comes_compressed_under_a_tag_of_its_own(
    steady: Region, coding: str, decode: Any
) -> None:
    plain = await steady.http.get(TERM, headers={"accept-encoding": "identity"})
    async with steady.http.stream("GET", TERM, headers={"accept-encoding": coding}) as response:
        body = b"".join([part async for part in response.aiter_raw()])
    assert response.headers["content-encoding"] == coding
    assert decode(body) == plain.content
    assert len(body) < len(plain.content) / 5
    assert response.headers["etag"] != plain.headers["etag"]
    other = await steady.http.get(TERM, headers={"accept-encoding": coding, "if-none-match": plain.headers["etag"]})
    assert other.status_code == 200


async def test_head_says_what_get_would(steady: Region) -> None:
    got = await steady.http.get(TERM, headers={"accept-encoding": "identity"})
    asked = await steady.http.head(TERM, headers={"accept-encoding": "identity"})
    assert (asked.status_code, asked.content) == (200, b"")
    for header in ("content-length", "content-type", "etag", "cache-control"):
        assert asked.headers[header] == got.headers[header]


async def test_any_site_may_read(steady: Region) -> None:
    origin = {"origin": "https://planner.example"}
    preflight = await steady.http.options(TERM, headers=origin | {"access-control-request-method": "GET"})
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
    assert "content-length" not in preflight.headers
    response = await steady.http.get(TERM, headers=origin)
    assert response.headers["access-control-allow-origin"] == "*"
    assert "etag" in response.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in response.headers


async def test_an_answer_names_its_node_and_its_request(steady: Region) -> None:
    response = await steady.http.get(TERM, headers={"x-request-id": "trial-1"})
    assert response.headers["x-served-by"] == "andromeda-west-1"
    assert response.headers["x-request-id"] == "trial-1"


async def test_a_request_keeps_its_name_on_its_way_through_the_mesh(west: Region) -> None:
    await west.http.get(TERM, headers={"x-request-id": "trial-1"})
    assert west.catalogue.request_ids == ["trial-1"]


async def test_a_trace_goes_on_through_the_mesh_and_names_a_request_that_has_no_name(west: Region) -> None:
    trace = {"traceparent": TRACEPARENT, "tracestate": "vendor=1"}
    response = await west.http.get(TERM, headers=trace)
    assert west.catalogue.headers == [trace]
    assert west.catalogue.request_ids == [response.headers["x-request-id"]] == [TRACEPARENT.split("-")[1]]


async def test_a_trace_that_is_none_is_left_out(west: Region) -> None:
    await west.http.get(TERM, headers={"traceparent": "00-what-is-this", "x-request-id": "trial-1"})
    assert (west.catalogue.headers, west.catalogue.request_ids) == ([{}], ["trial-1"])


@pytest.mark.parametrize("strange", ["a b", "x" * 65, "<script>", ""])
async def test_a_request_id_that_is_not_fit_for_a_log_is_replaced(steady: Region, strange: str) -> None:
    response = await steady.http.get(TERM, headers={"x-request-id": strange})
    assert len(response.headers["x-request-id"]) == 16


async def test_what_was_just_asked_is_answered_from_the_edge(west: Region) -> None:
    first, second = await west.http.get(TERM), await west.http.get(TERM + ".json?since=yesterday")
    assert (first.headers["cache-status"], second.headers["cache-status"]) == ("andromeda; fwd=miss", "andromeda; hit")
    assert west.catalogue.asked["terms/2168"] == 1


async def test_many_who_ask_at_once_cost_one_call(west: Region) -> None:
    west.catalogue.gate = asyncio.Event()
    asking = [asyncio.create_task(west.http.get(TERM)) for _ in range(20)]
    async with asyncio.timeout(5):
        await west.catalogue.reached.wait()
    west.catalogue.gate.set()
    assert {(await each).status_code for each in asking} == {200}
    assert west.catalogue.asked["terms/2168"] == 1


async def test_a_changed_document_is_served_at_once(west: Region) -> None:
    before = await west.http.get(TERM)
    await west.change("terms/2168", {"AMS": []})
    after = await west.http.get(TERM, headers={"if-none-match": before.headers["etag"]})
    assert after.status_code == 200
    assert after.json() == {"AMS": []}


async def test_a_changed_term_renews_subjects_timestamps_and_searches(west: Region) -> None:
    derived = [FETCH + "subjects", FETCH + "timestamp/terms/2168", "/slugsurvival/data/search?q=algebra"]
    for path in derived:
        await west.http.get(path)
    await west.change("terms/2168", {})
    for path in derived:
        assert (await west.http.get(path)).headers["cache-status"] == "andromeda; fwd=miss", path
    assert (await west.http.get(FETCH + "timestamp/terms/2168")).json() == CHANGED_AT + 1


async def test_whoever_sees_a_timestamp_move_never_gets_the_old_document(west: Region) -> None:
    """Although the news of the change got lost."""
    await west.http.get(TERM)
    west.catalogue.documents["terms/2168"] = {"AMS": []}
    west.catalogue.changed_at["terms/2168"] = CHANGED_AT + 60
    assert (await west.http.get(FETCH + "timestamp/terms/2168")).json() == CHANGED_AT + 60
    assert (await west.http.get(TERM)).json() == {"AMS": []}


async def test_after_a_lost_connection_everything_is_asked_for_again(west: Region) -> None:
    await west.http.get(TERM)
    west.edge_transport.cut()
    west.catalogue.documents["terms/2168"] = {"AMS": []}
    west.edge_transport.restore()
    await west.edge.wait_for("courses", deadline_seconds=5)
    assert (await west.http.get(TERM)).json() == {"AMS": []}


async def test_a_kept_document_outlives_the_mesh(west: Region) -> None:
    body = (await west.http.get(TERM)).content
    west.gateway.courses.doubt_everything()
    west.catalogue.failing = Unavailable("the database is gone")
    response = await west.http.get(TERM)
    assert (response.status_code, response.content) == (200, body)
    assert response.headers["warning"].startswith("111 ")
    assert response.headers["age"] == "0"
    assert response.headers["cache-status"] == "andromeda; hit; fwd=stale; detail=error"


async def test_a_document_that_is_known_to_be_outdated_is_not_served_in_place_of_an_error(west: Region) -> None:
    await west.http.get(TERM)
    await west.tell("terms/2168")
    west.catalogue.failing = Unavailable("the database is gone")
    assert (await west.http.get(TERM)).status_code == 503


async def test_what_the_mesh_calls_stale_is_labelled_and_not_kept(west: Region) -> None:
    west.catalogue.stale = True
    assert (await west.http.get(TERM)).headers["warning"].startswith("110 ")
    assert "age" not in (await west.http.get(TERM)).headers
    west.catalogue.stale_seconds = 42.7
    assert (await west.http.get(TERM)).headers["age"] == "42"
    west.catalogue.stale = False
    again = await west.http.get(TERM)
    assert "warning" not in again.headers
    assert again.headers["cache-status"] == "andromeda; fwd=miss"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Invalid("no"), 422),
        (Unauthorized("no"), 401),
        (Forbidden("no"), 403),
        (Conflict("no"), 409),
        (TooMany("no"), 429),
        (Unavailable("no"), 503),
        (TimedOut("no"), 504),
        (Internal("no"), 500),
    ],
)
async def test_each_error_of_the_mesh_has_its_status(west: Region, error: MeshError, status: int) -> None:
    west.catalogue.failing = error
    response = await west.http.get(TERM)
    assert response.status_code == status
    assert response.json()["error"]["code"] == error.code
    assert ("retry-after" in response.headers) is (status in (429, 503))


async def test_a_defect_is_not_described_to_strangers(west: Region) -> None:
    west.catalogue.failing = ZeroDivisionError("secret.py, line 7")
    response = await west.http.get(TERM)
    assert response.status_code == 500
    assert "secret" not in response.text
    assert "Zero" not in response.text


async def test_a_get_with_a_body_is_refused_and_the_connection_goes_on(steady: Region) -> None:
    refused = await steady.http.request("GET", TERM, content=b"x" * 100_000)
    assert refused.status_code == 400
    assert (await steady.http.get(TERM)).status_code == 200
