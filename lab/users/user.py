"""One user: his connections, and what he does when a request fails, which is what tells the kinds apart.

A browser connects to the first address that takes it, and asks again what is harmless to ask twice: at another
address when nobody answers, once more when a connection that was open before ended without a word. A plain client
takes the first address and has one try; then it looks the name up again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random

from lab.users.connection import Answer, Connection, Failed
from lab.users.opening import Resolver, first_connected
from lab.users.plan import Group
from lab.users.record import SILENT, Try

TRIES_MAX = 4
"""Of one request, connections that were open before included."""
CONNECTIONS_MAX = 6
"""Kept open by one user: as browsers do."""


@dataclass
class User:
    group: Group
    resolver: Resolver
    connect: Callable[[str, int, float], Awaitable[Connection]]
    clock: Callable[[], float]
    random: Random
    visit_seconds: float
    _idle: list[Connection] = field(default_factory=list)

    async def ask(self, request: bytes, tries: list[Try]) -> Answer:
        """Writes down each address that it tries. Raises `Failed` with the last outcome."""
        if self.group.kind == "plain":
            connection = self._kept() or await self._opened_first(tries)
            return await self._asked(connection, request, tries, self.group.patience.request_seconds)
        return await self._as_browser(request, tries)

    def close(self) -> None:
        for connection in self._idle:
            connection.close()

    async def _as_browser(self, request: bytes, tries: list[Try]) -> Answer:
        until, avoided = self.clock() + self.group.patience.request_seconds, ""
        for number in count(1):
            kept = self._kept(avoided)
            connection = kept or await self._opened_any(tries, avoided)
            elsewhere_after_seconds = None if avoided or number == TRIES_MAX else self.group.patience.answer_seconds
            try:
                return await self._asked(connection, request, tries, until - self.clock(), elsewhere_after_seconds)
            except Failed as failed:
                if not asks_again(failed, number, elsewhere=bool(avoided)):
                    raise
                if failed.outcome == SILENT or kept is None:
                    avoided = connection.address
        raise AssertionError("the last try returns or raises")

    async def _asked(
        self,
        connection: Connection,
        request: bytes,
        tries: list[Try],
        seconds: float,
        begun_in_seconds: float | None = None,
    ) -> Answer:
        tries.append(Try(connection.address, self.clock()))
        answer = await connection.ask(request, seconds, begun_in_seconds=begun_in_seconds)
        if connection.usable and self._in_time(connection) and len(self._idle) < CONNECTIONS_MAX:
            self._idle.append(connection)
        else:
            connection.close()
        return answer

    def _kept(self, avoided: str = "") -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and connection.address != avoided and self._in_time(connection):
                return connection
            connection.close()
        return None

    def _in_time(self, connection: Connection) -> bool:
        return self.clock() < connection.kept_until

    async def _opened_first(self, tries: list[Try]) -> Connection:
        address = (await self.resolver.addresses())[0]
        return await self._connected(address, tries)

    async def _opened_any(self, tries: list[Try], avoided: str) -> Connection:
        addresses = _put_last(avoided, await self.resolver.addresses())
        patience = self.group.patience
        return await first_connected(
            addresses, lambda address: self._connected(address, tries), patience.next_address_seconds
        )

    async def _connected(self, address: str, tries: list[Try]) -> Connection:
        begun = self.clock()
        try:
            connection = await self.connect(address, self.group.port, self.group.patience.connect_seconds)
        except (Failed, asyncio.CancelledError):
            tries.append(Try(address, begun))
            raise
        # Visits differ in length, so that not everybody looks the name up at once.
        connection.kept_until = self.clock() + self.visit_seconds * self.random.uniform(0.5, 1.5)
        return connection


def _put_last(avoided: str, addresses: Sequence[str]) -> Sequence[str]:
    return sorted(addresses, key=lambda address: address == avoided)


def asks_again(failed: Failed, number: int, *, elsewhere: bool) -> bool:
    """After so many tries, of which one was `elsewhere` than the first or none.

    Silence makes nobody ask elsewhere more than once: many who did would be what makes servers silent.
    """
    return not failed.begun and number < TRIES_MAX and not (elsewhere and failed.outcome == SILENT)
