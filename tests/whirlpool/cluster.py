"""Three real members, as three regions have them, and a line to one of them that can be cut at the worst moment."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import pymysql
from sqlalchemy.engine import make_url

from lab import galera
from lab.laboratory import DATABASE_USER
from lab.trial import Trial
from tests.whirlpool.conftest import open_database
from whirlpool.transactions import Database

FIRST_ADDRESS = "127.77.71.1"
LINE_HOST = "127.77.74.1"
BLOCK_BYTES = 65_536
PACKET_HEADER_BYTES = 4
COMMITTING = "SELECT id FROM information_schema.processlist WHERE user = %s AND info = 'COMMIT'"
COMMIT = b"\x03COMMIT"
"""A query command and its text, as a client sends them."""


def database_of(trial: Trial, number: int) -> Database:
    """That region's, 0 to 2."""
    return open_database(trial.database_url(trial.regions[number]))


class Fault(Enum):
    UNANSWERED = "the commit arrives, its answer does not"
    UNSENT = "the commit does not arrive"


@dataclass
class Line:
    """A proxy between a client and a server. The next COMMIT after `fault` was set is the last thing that it hears."""

    host: str
    port: int
    fault: Fault | None = None
    cuts: int = 0

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self.host, self.port)
        back = asyncio.ensure_future(_pump(far_reader, writer))
        try:
            await self._forward(reader, far_writer, back)
        finally:
            back.cancel()
            await asyncio.gather(back, return_exceptions=True)
            for each in (writer, far_writer):
                each.close()
                with contextlib.suppress(OSError):
                    await each.wait_closed()

    async def _forward(
        self, reader: asyncio.StreamReader, far_writer: asyncio.StreamWriter, back: asyncio.Task[None]
    ) -> None:
        fault = None
        while fault is None and (block := await reader.read(BLOCK_BYTES)):
            if block[PACKET_HEADER_BYTES:] == COMMIT and self.fault is not None:
                fault, self.fault = self.fault, None
                self.cuts += 1
            if fault is Fault.UNANSWERED:
                back.cancel()
            if fault is not Fault.UNSENT:
                far_writer.write(block)
                await far_writer.drain()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while block := await reader.read(BLOCK_BYTES):
            writer.write(block)
            await writer.drain()


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[tuple[Line, Database]]:
    """A line to the database there, and the database as it is seen over the line."""
    there = make_url(url)
    line = Line(str(there.host), there.port or 3306)
    server = await asyncio.start_server(line.carry, LINE_HOST, 0)
    over = there.set(host=LINE_HOST, port=server.sockets[0].getsockname()[1])
    database = open_database(over.render_as_string(hide_password=False))
    try:
        yield line, database
    finally:
        await database.stop()
        server.close()


@dataclass
class Kills:
    """Ends connections of our own that are seen to commit, as an operator's KILL does, until there are enough."""

    member: Path
    done: int = 0
    enough: bool = False

    def go_on(self) -> None:
        with galera.open_socket(self.member) as channel:
            connection = pymysql.connect(user="root", autocommit=True, defer_connect=True)
            connection.connect(channel)
            with connection, connection.cursor() as cursor:
                while not self.enough:
                    cursor.execute(COMMITTING, (DATABASE_USER,))
                    for (number,) in cursor.fetchall():
                        with contextlib.suppress(pymysql.MySQLError):  # it ended by itself meanwhile
                            cursor.execute(f"KILL CONNECTION {int(number)}")
                            self.done += 1
