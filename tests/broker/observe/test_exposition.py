from __future__ import annotations

import httpx
import pytest

from broker.observe.exposition import Exposition
from broker.observe.metrics import Metrics
from broker.settings import Address
from tests.servers import TEST_HOST, free_port


async def test_says_what_is_not_ready_and_why() -> None:
    address, trouble = Address(TEST_HOST, free_port()), {"database": "not synced"}
    exposition = Exposition(address, Metrics(), {"database": lambda: trouble.get("database"), "mesh": lambda: None})
    await exposition.start()
    async with httpx.AsyncClient(base_url=f"http://{address}") as client:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"ready": False, "reasons": {"database": "not synced"}})
        assert (await client.get("/healthz")).status_code == 200
        trouble.clear()
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()) == (200, {"ready": True, "reasons": {}})
    await exposition.stop()


async def test_serves_its_metrics_as_text() -> None:
    address, metrics = Address(TEST_HOST, free_port()), Metrics()
    metrics.place("messier", "west")
    metrics.calls.of("courses.term").note("ok", 0.01)
    exposition = Exposition(address, metrics, {})
    await exposition.start()
    async with httpx.AsyncClient(base_url=f"http://{address}") as client:
        answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'localgroup_calls_total{action="courses.term",outcome="ok",region="west",tier="messier"} 1.0' in answer.text
    await exposition.stop()


async def test_says_at_once_that_its_address_is_taken() -> None:
    address = Address(TEST_HOST, free_port())
    first = Exposition(address, Metrics(), {})
    await first.start()
    with pytest.raises(OSError, match="in use"):
        await Exposition(address, Metrics(), {}).start()
    await first.stop()
