"""What every callee answers, in whatever it is written: the text that came in, and two special cases."""

from __future__ import annotations

import asyncio

LARGE_BYTES = 1_000_000
"""A NATS server takes 1,048,576 by default, of which an envelope needs some."""
LARGE = "x" * LARGE_BYTES
SLOW_SECONDS = 0.05


async def answer(text: str) -> str:
    if text == "large":
        return LARGE
    if text == "slow":
        await asyncio.sleep(SLOW_SECONDS)
    return text


def answer_bytes(text: str) -> int:
    return LARGE_BYTES if text == "large" else len(text)
