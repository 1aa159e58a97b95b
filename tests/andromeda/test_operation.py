from __future__ import annotations

import asyncio

import pytest
from pydantic import ValidationError

from andromeda.config import AndromedaSettings
from andromeda.turns import Turns
from broker.environment import BadEnvironment, read_environment
from broker.settings import Address
from schema.errors import TooMany
from tests.andromeda.region import Region


async def test_a_region_that_can_serve_is_ready(steady: Region) -> None:
    assert (await steady.http.get("/readyz")).json() == {"ready": True, "node": "andromeda-west-1", "reasons": {}}


async def test_a_region_without_a_mesh_says_why_it_is_not_ready_and_lives_on(west: Region) -> None:
    west.edge_transport.cut()
    response = await west.http.get("/readyz")
    assert response.status_code == 503
    assert response.json()["reasons"]["mesh"] == "not connected to the mesh"
    assert "retry-after" in response.headers
    assert (await west.http.get("/healthz")).status_code == 200


async def test_a_region_without_a_catalogue_is_not_ready(west: Region) -> None:
    await west.logic.drain()
    reasons = (await west.http.get("/readyz")).json()["reasons"]
    assert reasons == {"catalogue": "nobody answers courses.terms"}


async def test_requests_are_counted_by_route_status_and_cache(west: Region) -> None:
    for path in ("terms/2168", "terms/2168", "terms/9999", "strange"):
        await west.http.get(f"/slugsurvival/data/fetch/{path}")
    metrics = (await west.http.get("/metrics")).text
    route = 'route="/slugsurvival/data/fetch/terms/{code}"'
    assert f'localgroup_http_requests_total{{cache="miss",{route},status="200"}} 1.0' in metrics
    assert f'localgroup_http_requests_total{{cache="hit",{route},status="200"}} 1.0' in metrics
    assert f'localgroup_http_requests_total{{cache="miss",{route},status="404"}} 1.0' in metrics
    assert 'route="unmatched",status="404"' in metrics
    assert "strange" not in metrics


async def test_a_full_line_refuses_at_once() -> None:
    turns = Turns(at_once=1, waiting=1)
    async with turns:
        waiting = asyncio.create_task(turns.__aenter__())
        await asyncio.sleep(0)
        with pytest.raises(TooMany):
            await turns.__aenter__()
    await waiting
    await turns.__aexit__(None, None, None)


async def test_whoever_leaves_the_line_makes_room() -> None:
    turns = Turns(at_once=1, waiting=1)
    async with turns:
        waiting = asyncio.create_task(turns.__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        waiting = asyncio.create_task(turns.__aenter__())
        await asyncio.sleep(0)
    await waiting


def test_settings_come_from_the_environment() -> None:
    environ = {
        "LOCALGROUP_REGION": "west",
        "LOCALGROUP_HTTP_ADDRESS": "[::1]:80",
        "LOCALGROUP_EDGE_CACHE_BYTES": "2097152",
    }
    settings = read_environment(AndromedaSettings, environ)
    assert settings.http_address == Address("::1", 80)
    assert settings.edge_cache_bytes == 2 * 1024 * 1024
    assert settings.broker_config().node == "andromeda-west-1"
    with pytest.raises(ValidationError):
        settings.region = "east"  # type: ignore[misc]


def test_a_bad_setting_is_named() -> None:
    with pytest.raises(BadEnvironment, match="LOCALGROUP_HTTP_ADDRESS"):
        read_environment(AndromedaSettings, {"LOCALGROUP_REGION": "west", "LOCALGROUP_HTTP_ADDRESS": "8080"})
