"""Waiting for what takes time: until a question has no objection left, within a deadline that is always given."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import httpx

PAUSE_SECONDS = 0.1
HTTP_SECONDS = 2.0
REASON_CHARACTERS = 200

Objection = Callable[[], str | None]
"""Says why not yet; None when there is nothing left to wait for."""


class NotReady(TimeoutError):
    """The deadline passed; the message is the last objection."""


def wait_until(objection: Objection, *, deadline_seconds: float) -> None:
    deadline = time.monotonic() + deadline_seconds
    while (why := objection()) is not None:
        if time.monotonic() >= deadline:
            raise NotReady(f"{why} (after {deadline_seconds:.0f} s)")
        time.sleep(PAUSE_SECONDS)


def first_objection(objections: Iterable[Objection]) -> str | None:
    """Of many questions."""
    for objection in objections:
        if (why := objection()) is not None:
            return why
    return None


def why_unready(url: str) -> str | None:
    """What a tier's `/readyz` objects to."""
    try:
        answer = httpx.get(url, timeout=HTTP_SECONDS, trust_env=False)
    except httpx.HTTPError as error:
        return f"does not answer ({type(error).__name__})"
    return None if answer.is_success else answer.text.strip()[:REASON_CHARACTERS]
