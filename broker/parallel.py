"""Many calls at a time, but not too many: an answer or an error for each, in the order of the requests.

for answer in await broker.call_many(TERM, requests, at_once=8):
    if isinstance(answer, MeshError): ...
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TypeVar

from schema.errors import MeshError

AT_ONCE = 16
"""A caller's share of a few nodes that work on 64 requests each."""

Request = TypeVar("Request")
Answer = TypeVar("Answer")


async def ask_many(
    ask: Callable[[Request], Awaitable[Answer]], requests: Iterable[Request], at_once: int
) -> list[Answer | MeshError]:
    """One that fails stops no other. Whatever is not a `MeshError` is a defect and stops all of them."""
    if at_once < 1:
        raise ValueError("at least one call at a time")
    numbered = enumerate(requests)
    answers: dict[int, Answer | MeshError] = {}
    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(_ask_on(ask, numbered, answers))
    return [answers[number] for number in range(len(answers))]


async def _ask_on(
    ask: Callable[[Request], Awaitable[Answer]],
    numbered: Iterator[tuple[int, Request]],
    answers: dict[int, Answer | MeshError],
) -> None:
    for number, request in numbered:
        try:
            answers[number] = await ask(request)
        except MeshError as error:
            answers[number] = error
