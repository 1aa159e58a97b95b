"""From a name to a connection: asking the resolver, and connecting to one address or to the first that takes us."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

import dns.asyncbackend
import dns.asyncquery
import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype

from lab.users.connection import Connection, Failed, HttpConnection
from lab.users.record import REFUSED, UNREACHED, UNRESOLVED

ATTEMPTS, ATTEMPT_SECONDS = 2, 2.5
"""Of asking a resolver: each long enough for one that has to try another name server first."""

Connect = Callable[[str], Awaitable[Connection]]
"""To an address. Raises `Failed`."""


class Resolver(Protocol):
    async def addresses(self) -> Sequence[str]:
        """In the order of the answer. Raises `Failed`."""
        ...


class KnownAddresses:
    """A name that stands in the user's own file."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses

    async def addresses(self) -> Sequence[str]:
        return self._addresses


class AskedResolver:
    """Asks each time: remembering is the resolver's business, as long as the record's TTL says.

    Who asks while an answer is under way shares it, as in any operating system.
    """

    def __init__(self, name: str, server: str, port: int) -> None:
        self._name = name
        self._server = server
        self._port = port
        self._socket: Any = None
        """One, kept: dnspython's, which has no type that it exports."""
        self._asking: asyncio.Task[Sequence[str]] | None = None

    async def addresses(self) -> Sequence[str]:
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def _ask(self) -> Sequence[str]:
        for _ in range(ATTEMPTS):
            with suppress(dns.exception.DNSException, OSError):
                answer = await self._answer()
                if answer.rcode() == dns.rcode.NOERROR:
                    found = [record.to_text() for records in answer.answer for record in records]
                    if found:
                        return found
        raise Failed(UNRESOLVED)

    async def _answer(self) -> dns.message.Message:
        if self._socket is None:
            backend: Any = dns.asyncbackend.get_default_backend()
            self._socket = await backend.make_socket(socket.AF_INET, socket.SOCK_DGRAM)
        question = dns.message.make_query(self._name, dns.rdatatype.A)
        return await dns.asyncquery.udp(
            question, self._server, timeout=ATTEMPT_SECONDS, port=self._port, sock=self._socket, ignore_errors=True
        )


async def connect(address: str, port: int, seconds: float) -> Connection:
    """Raises `Failed`."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(seconds):
            _, made = await loop.create_connection(lambda: HttpConnection(address), address, port)
    except TimeoutError:
        raise Failed(UNREACHED) from None
    except ConnectionRefusedError:
        raise Failed(REFUSED) from None
    except OSError:
        raise Failed(UNREACHED) from None
    return made


async def first_connected(addresses: Sequence[str], connect: Connect, next_address_seconds: float) -> Connection:
    """The next address is tried when one fails, or has not answered for so long. Raises the last `Failed`."""
    waiting = list(addresses)
    trying: set[asyncio.Future[Connection]] = set()
    failure = Failed(UNREACHED)
    try:
        while waiting or trying:
            if waiting:
                trying.add(asyncio.ensure_future(connect(waiting.pop(0))))
            done, trying = await asyncio.wait(
                trying, timeout=next_address_seconds if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for each in done:
                error = each.exception()
                if error is None:
                    done.discard(each)
                    trying |= done
                    return each.result()
                if not isinstance(error, Failed):
                    raise error
                failure = error
        raise failure
    finally:
        for each in trying:
            each.add_done_callback(_close)
            each.cancel()


def _close(connecting: asyncio.Future[Connection]) -> None:
    """One that came too late."""
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().close()
