"""A load generator that is cheaper than what it loads: plain sockets, and answers that are counted, not parsed.

`python -m bench.http_load HOST:PORT PATH CONNECTIONS SECONDS` prints one JSON object.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from dataclasses import dataclass
from statistics import median

from broker.settings import Address, parse_address

BUFFER_BYTES = 1 << 20
TIMEOUT_SECONDS = 5.0
EXPECTED = b"HTTP/1.1 200"
END_OF_HEAD = b"\r\n\r\n"
HEAD_BYTES_MAX = 4_096
LENGTH = b"content-length: "


@dataclass(frozen=True, slots=True)
class Load:
    requests_per_second: float
    p50_milliseconds: float


@dataclass(slots=True)
class Connection:
    socket: socket.socket
    missing_bytes: int = 0
    """Of the answer whose head has come; 0 before that."""
    asked_at: float = 0.0


def generate(address: Address, path: str, connections: int, seconds: float) -> Load:
    """Each connection asks again as soon as it is answered."""
    request = f"GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n".encode()
    body_bytes = measure_body(address, request)
    selector = selectors.DefaultSelector()
    open_connections = [Connection(socket.create_connection(address, TIMEOUT_SECONDS)) for _ in range(connections)]
    for connection in open_connections:
        connection.socket.setblocking(False)
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    try:
        return _run(selector, open_connections, request, body_bytes, seconds)
    finally:
        for connection in open_connections:
            connection.socket.close()
        selector.close()


def _run(
    selector: selectors.BaseSelector, connections: list[Connection], request: bytes, body_bytes: int, seconds: float
) -> Load:
    buffer = memoryview(bytearray(BUFFER_BYTES))
    latencies: list[float] = []
    began_at = time.perf_counter()
    for connection in connections:
        _ask(connection, request)
    while (now := time.perf_counter()) < began_at + seconds:
        events = selector.select(TIMEOUT_SECONDS)
        if not events:
            raise TimeoutError("the server stopped answering")
        for key, _ in events:
            if _receive(key.data, buffer, body_bytes):
                latencies.append(time.perf_counter() - key.data.asked_at)
                _ask(key.data, request)
    return Load(len(latencies) / (now - began_at), median(latencies) * 1_000)


def _ask(connection: Connection, request: bytes) -> None:
    connection.asked_at = time.perf_counter()
    connection.socket.send(request)


def _receive(connection: Connection, buffer: memoryview, body_bytes: int) -> bool:
    """Whether the answer is complete."""
    number = connection.socket.recv_into(buffer)
    if number == 0:
        raise ConnectionError("the server closed a connection")
    if not connection.missing_bytes:
        connection.missing_bytes = _head_bytes(bytes(buffer[: min(number, HEAD_BYTES_MAX)])) + body_bytes
    connection.missing_bytes -= number
    if connection.missing_bytes < 0:
        raise ConnectionError("an answer is longer than the first one was")
    return connection.missing_bytes == 0


def _head_bytes(received: bytes) -> int:
    """Heads differ in length: an answer that is being refreshed says so."""
    end = received.find(END_OF_HEAD)
    if end < 0 or not received.startswith(EXPECTED):
        raise ConnectionError(f"unexpected answer: {received[:200]!r}")
    return end + len(END_OF_HEAD)


def measure_body(address: Address, request: bytes) -> int:
    """Bytes of the body; every later one is as long. This first answer fills the caches."""
    with socket.create_connection(address, TIMEOUT_SECONDS) as connection:
        connection.sendall(request)
        received = b""
        while END_OF_HEAD not in received:
            part = connection.recv(BUFFER_BYTES)
            if not part:
                raise ConnectionError("the server closed a connection")
            received += part
    _head_bytes(received)
    return int(received.lower().split(LENGTH)[1].split(b"\r\n")[0])


if __name__ == "__main__":
    load = generate(parse_address(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
    print(json.dumps({"requests_per_second": load.requests_per_second, "p50_milliseconds": load.p50_milliseconds}))
