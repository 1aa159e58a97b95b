"""One computation at a time for each key: whoever asks meanwhile waits for the same answer.

Without it a cold key under load is computed once for every caller, at the very moment when that is dearest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Flight(Generic[Value]):
    """A running computation and the number of those who wait for it."""

    def __init__(self, computation: asyncio.Task[Value]) -> None:
        self.computation = computation
        self._waiting = 0

    async def wait(self) -> Value:
        """The shield keeps one waiter's cancellation from the others; without any waiter the work is given up."""
        self._waiting += 1
        try:
            return await asyncio.shield(self.computation)
        finally:
            self._waiting -= 1
            if not self._waiting:
                self.computation.cancel()

    @property
    def joinable(self) -> bool:
        return not self.computation.done() and not self.computation.cancelling()


class SingleFlight(Generic[Value]):
    """At most as many flights as there are callers, so the bound on callers bounds them too."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight[Value]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    async def run(self, key: str, compute: Callable[[], Awaitable[Value]]) -> Value:
        """The answer of the flight under way, or of a new one; its error is every waiter's error."""
        flight = self._flights.get(key)
        if flight is None or not flight.joinable:
            flight = self._begin(key, compute)
        return await flight.wait()

    def forget(self, key: str) -> None:
        """Later callers compute anew; those who wait already still get their answer."""
        self._flights.pop(key, None)

    def forget_all(self) -> None:
        self._flights.clear()

    def _begin(self, key: str, compute: Callable[[], Awaitable[Value]]) -> Flight[Value]:
        async def computation() -> Value:
            return await compute()

        flight = Flight(asyncio.create_task(computation(), name=f"single-flight {key}"))
        self._flights[key] = flight
        flight.computation.add_done_callback(lambda _: self._land(key, flight))
        return flight

    def _land(self, key: str, flight: Flight[Value]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
