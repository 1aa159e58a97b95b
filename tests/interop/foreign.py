"""Real Moleculer nodes for tests: started, waited for, and stopped as their users would."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from lab import node

MOLECULER = {"4": "moleculer-4", "5": "moleculer"}
"""Protocol to npm package."""
READY_SECONDS = 60.0
STOP_SECONDS = 20.0


class ForeignNode:
    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self._process = process

    async def ready(self) -> None:
        assert self._process.stdout is not None
        async with asyncio.timeout(READY_SECONDS):
            line = await self._process.stdout.readline()
        if line != b"ready\n":
            raise RuntimeError(f"{self.name} said {line!r} in place of being ready")

    async def stop(self) -> None:
        """As a deployment stops it: it takes leave of the others."""
        self._signal(signal.SIGTERM)
        await self._ended()

    async def kill(self) -> None:
        self._signal(signal.SIGKILL)
        await self._ended()

    def _signal(self, number: int) -> None:
        if self._process.returncode is None:
            self._process.send_signal(number)

    async def _ended(self) -> None:
        async with asyncio.timeout(STOP_SECONDS):
            await self._process.wait()


@asynccontextmanager
async def foreign_node(
    url: str, name: str, protocol: str, namespace: str, services: tuple[str, ...], **options: Any
) -> AsyncIterator[ForeignNode]:
    """`services` are files of `tests/node/services`; `options` those of Moleculer's broker."""
    broker = {"nodeID": name, "namespace": namespace, "transporter": url, **options}
    settings = {"moleculer": MOLECULER[protocol], "broker": broker, "services": services}
    process = await asyncio.create_subprocess_exec(
        node.node(),
        "node.js",
        json.dumps(settings),
        cwd=node.FOLDER,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    started = ForeignNode(name, process)
    try:
        await started.ready()
        yield started
    finally:
        await started.stop()


async def run_commands(url: str, protocol: str, namespace: str, home: str, *commands: str) -> str:
    """What Moleculer's command line prints; `home` is where it keeps its history."""
    broker = {"nodeID": "repl", "namespace": namespace, "transporter": url}
    process = await asyncio.create_subprocess_exec(
        node.node(),
        "repl.js",
        json.dumps({"moleculer": MOLECULER[protocol], "broker": broker}),
        cwd=node.FOLDER,
        env=os.environ | {"HOME": home, "NO_COLOR": "1"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(READY_SECONDS):
        output, _ = await process.communicate("".join(f"{command}\n" for command in commands).encode())
    return output.decode()
