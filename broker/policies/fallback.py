"""What to answer when nobody can: a value, or a function of the error that makes one.

    await broker.call(SUGGESTIONS, request, fallback=Suggestions(found=[]))
    await broker.call(TERM, request, fallback=from_yesterday)   # def or async def from_yesterday(error)

A fallback is for failures: nobody there, too late, too busy, a defect. What a service decided, `not_found` for
instance, is its answer, and no fallback takes its place.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar

from schema.errors import Internal, MeshError, TooMany

Value = TypeVar("Value")

Fallback: TypeAlias = Value | Callable[[MeshError], Value] | Callable[[MeshError], Awaitable[Value]]

NONE: Any = object()
"""No fallback; None may well be one."""


def is_failure(error: MeshError) -> bool:
    return error.retryable or isinstance(error, (Internal, TooMany))


async def answer_or(answer: Awaitable[Any], fallback: Any) -> Any:
    try:
        return await answer
    except MeshError as error:
        if not is_failure(error):
            raise
        instead = fallback(error) if callable(fallback) else fallback
        return await instead if inspect.isawaitable(instead) else instead
