"""What every callee answers, in whatever it is written: the text that came in, and a few special cases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

LARGE_BYTES = 1_000_000
"""A NATS server takes 1,048,576 by default, of which an envelope needs some."""
LARGE = "x" * LARGE_BYTES
SLOW_SECONDS = 0.05
CHUNK = b"x" * 62_500
"""As JSON, which has no bytes, it takes three to four times as much, and still fits into a message."""
CHUNKS = 1_600
"""A stream of 100 MB."""


async def answer(text: str) -> str:
    if text == "large":
        return LARGE
    if text == "slow":
        await asyncio.sleep(SLOW_SECONDS)
    return text


async def pour() -> AsyncIterator[bytes]:
    for _ in range(CHUNKS):
        yield CHUNK


def answer_bytes(text: str) -> int:
    return {"large": LARGE_BYTES, "stream": len(CHUNK) * CHUNKS}.get(text, len(text))
