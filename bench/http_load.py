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
LENGTH = b"content-length: "


@dataclass(frozen=True, slots=True)
class Load:
    requests_per_second: float
    p50_milliseconds: float


@dataclass(slots=True)
class Connection:
    socket: socket.socket
    received_bytes: int = 0
    asked_at: float = 0.0


def generate(address: Address, path: str, connections: int, seconds: float) -> Load:
    """Each connection asks again as soon as it is answered."""
    request = f"GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n".encode()
    answer_bytes = measure_answer(address, request)
    selector = selectors.DefaultSelector()
    open_connections = [Connection(socket.create_connection(address, TIMEOUT_SECONDS)) for _ in range(connections)]
    for connection in open_connections:
        connection.socket.setblocking(False)
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    try:
        return _run(selector, open_connections, request, answer_bytes, seconds)
    finally:
        for connection in open_connections:
            connection.socket.close()
        selector.close()


def _run(
    selector: selectors.BaseSelector, connections: list[Connection], request: bytes, answer_bytes: int, seconds: float
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
            if _receive(key.data, buffer, answer_bytes):
                latencies.append(time.perf_counter() - key.data.asked_at)
                _ask(key.data, request)
    return Load(len(latencies) / (now - began_at), median(latencies) * 1_000)


def _ask(connection: Connection, request: bytes) -> None:
    connection.received_bytes = 0
    connection.asked_at = time.perf_counter()
    connection.socket.send(request)


def _receive(connection: Connection, buffer: memoryview, answer_bytes: int) -> bool:
    """Whether the answer is complete."""
    number = connection.socket.recv_into(buffer)
    if number == 0:
        raise ConnectionError("the server closed a connection")
    if connection.received_bytes == 0 and bytes(buffer[: len(EXPECTED)]) != EXPECTED:
        raise ConnectionError(f"unexpected answer: {bytes(buffer[:200])!r}")
    connection.received_bytes += number
    if connection.received_bytes > answer_bytes:
        raise ConnectionError("an answer is longer than the first one was")
    return connection.received_bytes == answer_bytes


def measure_answer(address: Address, request: bytes) -> int:
    """Bytes of an answer, head and body; every later one is as long. The first fills the caches."""
    with socket.create_connection(address, TIMEOUT_SECONDS) as connection:
        lengths = []
        for _ in range(2):
            connection.sendall(request)
            received = b""
            while b"\r\n\r\n" not in received:
                received += connection.recv(BUFFER_BYTES)
            head, _, body = received.partition(b"\r\n\r\n")
            body_bytes = int(head.lower().split(LENGTH)[1].split(b"\r\n")[0])
            rest = body_bytes - len(body)
            while rest:
                rest -= len(connection.recv(rest))
            lengths.append(len(head) + 4 + body_bytes)
        return lengths[-1]


if __name__ == "__main__":
    load = generate(parse_address(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
    print(json.dumps({"requests_per_second": load.requests_per_second, "p50_milliseconds": load.p50_milliseconds}))
