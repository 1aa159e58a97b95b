"""How long one request takes in a region that runs: from its edge cache, and cold through all tiers.

Cold means that edge and logic have just heard that the document changed, so that its rows come from the database.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import ClassVar

import httpx

from bench.report import OURS, Row, middle
from broker import Broker, Context, Service, event
from broker.config import NodeName, Region
from broker.environment import read_environment
from broker.local_mesh import URLS, completed
from broker.nats.client import NatsClient
from broker.settings import TierSettings
from schema.courses import DOCUMENT_CHANGED, READ_VERSION, ROWS_CHANGED, DocumentChanged, OfKey

URL = "http://127.0.1.1:8080"
NATS_URL = "nats://127.0.1.1:4222"
FETCH = "/slugsurvival/data/fetch/"
KEY = "terms/2168"
"""The largest term that `make up` knows of, if it was loaded; otherwise the newest term."""
WARM_REQUESTS = 500
COLD_REQUESTS = 20
PLAIN = {"accept-encoding": "identity"}
EVENT_SECONDS = 5.0


class ToolSettings(TierSettings):
    """As `mesh` does, it joins with what the regions of this machine leave for tools."""

    tier: ClassVar[str] = "mesh"
    region: Region = "bench"
    node: NodeName | None = "mesh.bench"


class ChangeListener(Service):
    """Hears that a messier no longer answers the old document."""

    name: ClassVar[str] = "bench"

    def __init__(self) -> None:
        self.heard: asyncio.Queue[str] = asyncio.Queue(maxsize=1_000)

    @event(DOCUMENT_CHANGED)
    async def changed(self, context: Context, payload: DocumentChanged) -> None:
        self.heard.put_nowait(payload.key)


def run(url: str, nats_url: str) -> list[Row]:
    """Empty, with a line that says so, if no region runs there."""
    if not _ready(url):
        print(f"no region is ready at {url}: nothing is measured through all tiers", file=sys.stderr)
        return []
    return asyncio.run(_measure(url, nats_url))


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=2).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


async def _measure(url: str, nats_url: str) -> list[Row]:
    async with httpx.AsyncClient(base_url=url, headers=PLAIN, timeout=10) as http:
        key = await _key(http)
        await _timed(http, key)
        warm = [(await _timed(http, key))[0] for _ in range(WARM_REQUESTS)]
        cold = await _cold(http, nats_url, key)
    return [
        middle(f"p50, {key} from the edge of a region", OURS, warm, "ms", higher_is_better=False),
        middle(f"p50, {key} cold through all tiers", OURS, cold, "ms", higher_is_better=False),
    ]


async def _key(http: httpx.AsyncClient) -> str:
    terms = [term["code"] for term in (await http.get(f"{FETCH}terms")).raise_for_status().json()]
    return KEY if KEY.removeprefix("terms/") in terms else f"terms/{terms[0]}"


async def _cold(http: httpx.AsyncClient, nats_url: str, key: str) -> list[float]:
    listener = ChangeListener()
    settings = read_environment(ToolSettings, completed(os.environ | {URLS: nats_url}))
    broker = Broker(settings.broker_config(), NatsClient(settings.nats_settings()))
    broker.add(listener)
    times: list[float] = []
    async with broker:
        await broker.wait_for("courses", "db-courses", deadline_seconds=EVENT_SECONDS)
        logics = len(broker.registry.endpoints("courses.term"))
        while len(times) < COLD_REQUESTS:
            await _chill(broker, listener, key, logics)
            milliseconds, outcome = await _timed(http, key)
            if "fwd=miss" in outcome:
                times.append(milliseconds)
    return times


async def _chill(broker: Broker, listener: ChangeListener, key: str, logics: int) -> None:
    """Say that the document changed, with the version that it has; wait until every messier has passed it on."""
    known = await broker.call(READ_VERSION, OfKey(key=key))
    await broker.broadcast(ROWS_CHANGED, DocumentChanged(key=key, version=known.version))
    async with asyncio.timeout(EVENT_SECONDS):
        for _ in range(logics):
            while await listener.heard.get() != key:
                pass


async def _timed(http: httpx.AsyncClient, key: str) -> tuple[float, str]:
    """Milliseconds, and what the edge cache did."""
    began_at = time.perf_counter()
    response = await http.get(FETCH + key)
    milliseconds = (time.perf_counter() - began_at) * 1_000
    return milliseconds, response.raise_for_status().headers["cache-status"]
