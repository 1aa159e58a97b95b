"""As much of RethinkDB as its official driver needs to read tables and to follow changes: the handshake of protocol
V1_0 with SCRAM-SHA-256, JSON queries, cursors and feeds. It is for tests; a real server only needs its address."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from rethinkdb import ql2_pb2

TERM: Any = ql2_pb2.Term.TermType
QUERY: Any = ql2_pb2.Query.QueryType
RESPONSE: Any = ql2_pb2.Response.ResponseType
NOTE: Any = ql2_pb2.Response.ResponseNote
ITERATIONS = 4
PART = 40
"""Documents in one answer, so that cursors must go on."""

LOWEST, HIGHEST = ("min",), ("max",)


class Server:
    """`tables` may be changed by `put` and `remove` only: they tell the feeds."""

    def __init__(self, database: str, tables: dict[str, list[dict[str, Any]]], password: str = "") -> None:
        self.database = database
        self._password = password
        self._tables = {name: {each["id"]: each for each in documents} for name, documents in tables.items()}
        self._feeds: list[_Feed] = []
        self._connections: list[socket.socket] = []
        self.lock = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.during_scan: Any = None
        """Called once, when the first part of a table has been answered."""
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, password: str = "") -> str:
        return f"rethinkdb://admin:{password}@127.0.0.1:{self.port}/{self.database}"

    def put(self, table: str, document: dict[str, Any]) -> None:
        self._change(table, document["id"], document)

    def remove(self, table: str, key: Any) -> None:
        self._change(table, key, None)

    def documents(self, table: str) -> list[dict[str, Any]]:
        with self.lock:
            return [self._tables[table][key] for key in sorted(self._tables[table])]

    def cut(self) -> None:
        """Every connection breaks, and what happens until they are back nobody is told."""
        with self.lock:
            self._feeds.clear()
            for connection in self._connections:
                with suppress(OSError):  # it may be gone already
                    connection.shutdown(socket.SHUT_RDWR)
            self._connections.clear()

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _change(self, table: str, key: Any, new: dict[str, Any] | None) -> None:
        with self.lock:
            old = self._tables[table].pop(key, None)
            if new is not None:
                self._tables[table][key] = new
            if old == new:
                return
            for feed in self._feeds:
                if feed.table == table:
                    feed.waiting.append({"old_val": old, "new_val": new})
            self.lock.notify_all()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self.lock:
                self._connections.append(connection)
            threading.Thread(target=_Connection(self, connection, self._password).serve, daemon=True).start()

    def feed(self, table: str) -> _Feed:
        with self.lock:
            self._feeds.append(feed := _Feed(table))
            return feed

    def info(self, table: str) -> dict[str, Any]:
        return {"id": f"id of {table}", "primary_key": "id", "doc_count_estimates": [7], "indexes": [], "name": table}

    def first_part_is_out(self) -> None:
        happens, self.during_scan = self.during_scan, None
        if happens is not None:
            happens()


class _Feed:
    def __init__(self, table: str) -> None:
        self.table = table
        self.waiting: list[dict[str, Any]] = []
        self.stopped = False


class _Connection:
    def __init__(self, server: Server, connection: socket.socket, password: str) -> None:
        self._server = server
        self._socket = connection
        self._file = connection.makefile("rb")
        self._password = password
        self._cursors: dict[int, Any] = {}
        self._sending = threading.Lock()

    def serve(self) -> None:
        try:
            self._shake_hands()
            while header := self._file.read(12):
                token, length = struct.unpack("<QL", header)
                kind, *rest = json.loads(self._file.read(length))
                self._answer(token, kind, rest)
        except (OSError, ValueError, struct.error):
            return
        finally:
            self._file.close()
            self._socket.close()

    def _shake_hands(self) -> None:
        self._file.read(4)
        first = json.loads(self._line())["authentication"].removeprefix("n,,")
        self._say({"success": True, "min_protocol_version": 0, "max_protocol_version": 0, "server_version": "2.4"})
        salt = os.urandom(16)
        nonce = first.split("r=")[1] + "server"
        second = f"r={nonce},s={base64.b64encode(salt).decode()},i={ITERATIONS}"
        self._say({"success": True, "authentication": second})
        final = json.loads(self._line())["authentication"]
        salted = hashlib.pbkdf2_hmac("sha256", self._password.encode(), salt, ITERATIONS)
        content = f"{first},{second},c=biws,r={nonce}".encode()
        client = hmac.digest(salted, b"Client Key", "sha256")
        signature = hmac.digest(hashlib.sha256(client).digest(), content, "sha256")
        proof = base64.b64encode(bytes(a ^ b for a, b in zip(client, signature, strict=True))).decode()
        if final.split("p=")[1] != proof:
            self._say({"success": False, "error_code": 12, "error": "Wrong password"})
            raise ValueError("wrong password")
        server = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), content, "sha256")
        self._say({"success": True, "authentication": f"v={base64.b64encode(server).decode()}"})

    def _line(self) -> str:
        return b"".join(iter(lambda: self._file.read(1), b"\0")).decode()

    def _say(self, content: dict[str, Any]) -> None:
        self._socket.sendall(json.dumps(content).encode() + b"\0")

    def _send(self, token: int, kind: int, rows: list[Any], notes: tuple[int, ...] = ()) -> None:
        content = json.dumps({"t": kind, "r": rows, "n": notes}).encode()
        with self._sending:
            self._socket.sendall(struct.pack("<QL", token, len(content)) + content)

    def _answer(self, token: int, kind: int, rest: list[Any]) -> None:
        if kind == QUERY.START:
            self._start(token, _value(rest[0], self._server))
        elif kind == QUERY.CONTINUE:
            self._go_on(token)
        elif kind == QUERY.STOP:
            self._stop(token)

    def _start(self, token: int, value: Any) -> None:
        if isinstance(value, _Feed):
            self._cursors[token] = value
            self._send(token, RESPONSE.SUCCESS_PARTIAL, [], (NOTE.SEQUENCE_FEED,))
        elif isinstance(value, list):
            self._cursors[token] = value
            self._go_on(token)
        else:
            self._send(token, RESPONSE.SUCCESS_ATOM, [value])

    def _go_on(self, token: int) -> None:
        cursor = self._cursors.get(token, [])
        if isinstance(cursor, _Feed):
            threading.Thread(target=self._wait_for_change, args=(token, cursor), daemon=True).start()
            return
        part, self._cursors[token] = cursor[:PART], cursor[PART:]
        more = bool(self._cursors[token])
        self._send(token, RESPONSE.SUCCESS_PARTIAL if more else RESPONSE.SUCCESS_SEQUENCE, part)
        if more:
            self._server.first_part_is_out()

    def _wait_for_change(self, token: int, feed: _Feed) -> None:
        with self._server.lock:
            self._server.lock.wait_for(lambda: feed.waiting or feed.stopped, timeout=60)
            changes, feed.waiting = feed.waiting, []
        try:
            kind = RESPONSE.SUCCESS_SEQUENCE if feed.stopped else RESPONSE.SUCCESS_PARTIAL
            self._send(token, kind, changes, (NOTE.SEQUENCE_FEED,))
        except OSError:
            return

    def _stop(self, token: int) -> None:
        cursor = self._cursors.pop(token, [])
        if isinstance(cursor, _Feed):
            with self._server.lock:
                cursor.stopped = True
                self._server.lock.notify_all()
        else:
            self._send(token, RESPONSE.SUCCESS_SEQUENCE, [])


def _value(term: Any, server: Server) -> Any:
    """Of the terms that the source asks for; any other is a KeyError, and so a broken connection."""
    if not isinstance(term, list):
        return term
    kind, arguments, options = term[0], term[1] if len(term) > 1 else [], term[2] if len(term) > 2 else {}
    if kind in {TERM.MINVAL, TERM.MAXVAL}:
        return LOWEST if kind == TERM.MINVAL else HIGHEST
    first = arguments[-1] if kind == TERM.TABLE else _value(arguments[0], server)
    if kind == TERM.DB:
        return first
    if kind == TERM.TABLE_LIST:
        return sorted(server._tables)
    if kind == TERM.TABLE:
        return first
    if kind == TERM.INFO:
        return server.info(first)
    if kind == TERM.INDEX_STATUS:
        return []
    if kind == TERM.CHANGES:
        return server.feed(first)
    if kind == TERM.BETWEEN:
        low = _value(arguments[1], server)
        assert options["left_bound"] == "open"
        return [each for each in server.documents(first) if low == LOWEST or each["id"] > low]
    assert kind == TERM.ORDER_BY
    return first


@contextmanager
def running(database: str, tables: dict[str, list[dict[str, Any]]], password: str = "") -> Iterator[Server]:
    server = Server(database, tables, password)
    try:
        yield server
    finally:
        server.close()
