"""Hubs of two regions, two in one of them, with what their clusters give them: they join, and leave politely."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import pytest

from tests.image import hubs
from tests.image.container import Root
from tests.image.hubs import Hub
from tests.image.processes import STOP_SECONDS, answer, running, wait_until

NAMES = {
    "nats-west": "127.77.92.1",
    "nats-0.nats.localgroup.svc": "127.77.92.1",
    "nats-1.nats.localgroup.svc": "127.77.92.2",
    "nats-east": "127.77.93.1",
    "nats-central": "127.77.94.1",
}
"""As they are in west. In east nobody else of its own runs."""


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(mkdtemp(prefix="localgroup-hubs-"))
    made.chmod(0o755)
    yield made
    rmtree(made)


@pytest.fixture
def three(root: Root, folder: Path) -> list[Hub]:
    hubs.prepare(root)
    made = [
        Hub(root, folder / "west-0", "west", 0, "127.77.92.1"),
        Hub(root, folder / "west-1", "west", 1, "127.77.92.2"),
        Hub(root, folder / "east-0", "east", 0, "127.77.93.1"),
    ]
    for hub in made:
        hub.folder.mkdir()
        hubs.write_hosts(
            hub.folder, {name: where for name, where in NAMES.items() if hub.region == "west" or "svc" not in name}
        )
        hubs.write(hub.folder, hub.region, hub.address, folder / "secrets")
    return made


def test_hubs_join_in_their_region_and_across_and_leave_when_they_are_asked(three: list[Hub], folder: Path) -> None:
    west, other, east = three
    with ExitStack() as started:
        for hub in three:
            process = started.enter_context(running(hub.command(), folder / f"{hub.folder.name}.log"))
        log = folder / "west-0.log"
        wait_until(lambda: "east" in _gateways(west) and "west" in _gateways(east), log)
        wait_until(lambda: _neighbours(west) == {"west-nats-1"} and _neighbours(other) == {"west-nats-0"}, log)

        # The word before the end: it closes its doors, waits, and ends by itself.
        started.enter_context(running(east.leave_command(process), folder / "leave.log"))
        assert process.wait(STOP_SECONDS) == 0
    assert "lame duck mode" in (folder / "east-0.log").read_text()


def _gateways(hub: Hub) -> set[str]:
    status, found = answer(f"{hub.monitor}/gatewayz")
    return set(found.get("outbound_gateways", {})) if status == 200 else set()


def _neighbours(hub: Hub) -> set[str]:
    status, found = answer(f"{hub.monitor}/routez")
    return {route["remote_name"] for route in found["routes"]} if status == 200 else set()
