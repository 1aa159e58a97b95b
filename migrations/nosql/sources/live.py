"""A running RethinkDB, through its official driver: tables, documents in the order of their keys, changes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson
from rethinkdb import RethinkDB
from rethinkdb.errors import ReqlError

from migrations.nosql.sources.source import Entry, Position, SourceBroken, SourceTable
from migrations.nosql.sources.table_info import index_of

PORT = 28015
CONNECT_SECONDS = 10
RAW = {"time_format": "raw", "binary_format": "raw", "group_format": "raw"}
"""Times and bytes as a dump has them."""

r: Any = RethinkDB()


class SourceLost(ConnectionError):
    """The server does not answer, or not any more."""


class Live:
    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._database = parts.path.strip("/")
        if not parts.hostname or not self._database:
            raise ValueError("a running server is named as rethinkdb://[user:password@]address[:port]/database")
        self._where = {"host": parts.hostname, "port": parts.port or PORT}
        self._who = {"user": unquote(parts.username or "admin"), "password": unquote(parts.password or "")}
        self.name = f"{self._where['host']}:{self._where['port']}/{self._database}"

    def fingerprint(self) -> str:
        ids = [info["id"] for _, info in sorted(self._infos.items())]
        return hashlib.sha256(f"{self.name} {ids}".encode()).hexdigest()

    def tables(self) -> Sequence[SourceTable]:
        """The numbers of documents are the server's estimates."""
        return self._tables

    def read(self, table: str, after: Position | None = None) -> Iterator[Entry]:
        key = self._infos[_short(table)]["primary_key"]
        first = r.minval if after is None else orjson.loads(str(after))
        with self.connection() as connection:
            rows = r.table(_short(table)).between(first, r.maxval, left_bound="open").order_by(index=key)
            for document in rows.run(connection, **RAW):
                yield entry_of(document, key)

    def changes(self, table: str, connection: Any) -> Iterator[dict[str, Any]]:
        """What happens from the moment this returns. Ends only with an error, or with the connection."""
        feed = r.table(_short(table)).changes().run(connection, **RAW)
        return _checked(feed, table)

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """Raises `SourceLost`, also for what breaks inside."""
        try:
            connection = r.connect(**self._where, **self._who, db=self._database, timeout=CONNECT_SECONDS)
            try:
                yield connection
            finally:
                if connection.is_open():
                    connection.close(noreply_wait=False)
        except ReqlError as error:
            raise SourceLost(f"{self.name}: {str(error).splitlines()[0]}") from error

    @cached_property
    def _infos(self) -> dict[str, Any]:
        with self.connection() as connection:
            names = r.db(self._database).table_list().run(connection)
            return {name: r.table(name).info().run(connection) for name in names}

    @cached_property
    def _tables(self) -> tuple[SourceTable, ...]:
        with self.connection() as connection:
            return tuple(
                SourceTable(
                    f"{self._database}.{name}",
                    info["primary_key"],
                    sum(info["doc_count_estimates"]),
                    tuple(index_of(each) for each in r.table(name).index_status().run(connection, **RAW)),
                )
                for name, info in sorted(self._infos.items())
            )


def entry_of(document: dict[str, Any], key: str) -> Entry:
    return Entry(orjson.dumps(document[key]).decode(), orjson.dumps(document), document)


def _checked(feed: Any, table: str) -> Iterator[dict[str, Any]]:
    """The server tells of changes that it had to drop by an event of its own."""
    for change in feed:
        if "error" in change:
            raise SourceBroken(str(change["error"]), table)
        yield change


def _short(table: str) -> str:
    return table.partition(".")[2]
