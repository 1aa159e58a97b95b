"""Real nats-servers for tests: started on addresses that disturb nobody, waited for, and ended by their process id."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lab.supervisor import end_with_parent

TEST_HOST = "127.77.11.1"
NATS_SERVER = Path(sys.executable).parent / "nats-server"
MAX_PAYLOAD_BYTES = 8 * 1024 * 1024
READY_SECONDS = 10.0
POLL_SECONDS = 0.02


def free_port(host: str = TEST_HOST) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class NatsAddress:
    """A server's name in its super-cluster, and where it listens for clients and for gateways."""

    name: str = "test"
    host: str = TEST_HOST
    port: int = field(default_factory=free_port)
    gateway_port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return f"nats://{self.host}:{self.port}"

    @property
    def gateway_url(self) -> str:
        return f"nats://{self.host}:{self.gateway_port}"


@asynccontextmanager
async def nats_server(
    folder: Path,
    address: NatsAddress,
    others: Mapping[str, str] | None = None,
    max_payload_bytes: int = MAX_PAYLOAD_BYTES,
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`others`: gateway name to URL, of all members of the super-cluster. Its configuration is written to `folder`."""
    configuration = folder / f"{address.name}-{address.port}.conf"
    configuration.write_text(_configuration(address, others or {}, max_payload_bytes))
    process = await asyncio.create_subprocess_exec(
        *(NATS_SERVER, "-c", configuration),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        preexec_fn=end_with_parent,
    )
    try:
        await accepting(address.host, address.port)
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def accepting(host: str, port: int, deadline_seconds: float = READY_SECONDS) -> None:
    """Returns once something listens there."""
    async with asyncio.timeout(deadline_seconds):
        while not await _accepts(host, port):  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(POLL_SECONDS)


async def _accepts(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


def _configuration(address: NatsAddress, others: Mapping[str, str], max_payload_bytes: int) -> str:
    lines = [
        f"server_name: {address.name}",
        f"listen: {address.host}:{address.port}",
        f"max_payload: {max_payload_bytes}",
    ]
    if others:
        members = ", ".join(f"{{name: {name}, url: {url}}}" for name, url in others.items())
        lines.append(
            f"gateway {{ name: {address.name}, listen: {address.host}:{address.gateway_port}, gateways: [{members}] }}"
        )
    return "\n".join(lines)
