"""A client that is not bound to HTTP's rules: it sends what it is given and reads until the server is done."""

from __future__ import annotations

import asyncio
import re

from broker.settings import Address

STATUS = re.compile(rb"HTTP/1\.1 ([0-9]{3}) [A-Z]")
ANSWER_TIMEOUT_SECONDS = 5.0


async def exchange(address: Address, sent: bytes, *, finish: bool = True) -> bytes:
    """Everything that came back. `finish` says that nothing more will be sent."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_SECONDS):
            writer.write(sent)
            if finish:
                writer.write_eof()
            return await reader.read(-1)
    finally:
        writer.close()


def statuses(received: bytes) -> list[int]:
    return [int(status) for status in STATUS.findall(received)]
