"""nats-servers that a test may configure, kill, freeze, restart on the same port and tell to leave; and clients."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from broker.nats.client import NatsClient
from broker.nats.settings import NatsSettings
from broker.transport import Listener
from tests.servers import NATS_SERVER, accepting, free_port

HOST = "127.77.61.1"
QUICK: dict[str, Any] = {
    "ping_seconds": 0.1,
    "pong_seconds": 0.1,
    "backoff_seconds_max": 0.1,
    "settle_seconds": 0.05,
    "familiar_seconds": 0.0,
}
"""Timings with which a test does not wait for long."""


class Hub:
    def __init__(self, folder: Path, name: str = "hub", *lines: str) -> None:
        self.name = name
        self.port = free_port(HOST)
        self.cluster_port = free_port(HOST)
        self._configuration = folder / f"{name}-{self.port}.conf"
        self.lines = [f"server_name: {name}", f"listen: {HOST}:{self.port}", *lines]
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"nats://{HOST}:{self.port}"

    @property
    def process(self) -> asyncio.subprocess.Process:
        assert self._process is not None
        return self._process

    def join(self, hubs: Sequence[Hub]) -> None:
        routes = ", ".join(f"nats-route://{HOST}:{hub.cluster_port}" for hub in hubs)
        self.lines.append(f"cluster {{ name: test, listen: {HOST}:{self.cluster_port}, routes: [{routes}] }}")

    def join_regions(self, hubs: Sequence[Hub]) -> None:
        """As the hub of a region whose name is its own."""
        others = ", ".join(f"{{name: {hub.name}, url: 'nats://{HOST}:{hub.cluster_port}'}}" for hub in hubs)
        self.lines.append(
            f"gateway {{ name: {self.name}, listen: '{HOST}:{self.cluster_port}', gateways: [{others}] }}"
        )

    async def start(self) -> None:
        self._configuration.write_text("\n".join(self.lines))
        self._process = await asyncio.create_subprocess_exec(
            NATS_SERVER,
            "-c",
            self._configuration,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await accepting(HOST, self.port)

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def freeze(self) -> None:
        """It closes nothing and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def leave(self) -> None:
        """Lame duck: it takes no new clients, and sends those that it has away."""
        self.process.send_signal(signal.SIGUSR2)


class Events(list[str]):
    """What a listener is told."""

    def listener(self) -> Listener:
        return Listener(lambda: self.append("disconnected"), lambda: self.append("reconnected"))


@asynccontextmanager
async def hub(folder: Path, *lines: str) -> AsyncIterator[Hub]:
    running = Hub(folder, "hub", *lines)
    await running.start()
    try:
        yield running
    finally:
        await running.kill()


@asynccontextmanager
async def client(*urls: str, listener: Listener | None = None, **settings: Any) -> AsyncIterator[NatsClient]:
    connected = NatsClient(NatsSettings(urls, **(QUICK | settings)))
    await connected.connect("test", listener or Listener())
    try:
        yield connected
    finally:
        await connected.close()
