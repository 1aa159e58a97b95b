"""Edge-cached throughput and latency, against a bare Starlette route that returns the same bytes."""

from __future__ import annotations

from collections import defaultdict
from contextlib import ExitStack

from rich.progress import Progress

from bench.http_servers import LARGE_PATH, SMALL_PATH
from bench.processes import result_of, server
from bench.report import Row, middle
from broker.settings import Address

ADDRESSES = {"localgroup": Address("127.77.58.1", 8080), "starlette": Address("127.77.59.1", 8080)}
"""Away from the regions of this machine, and from those of the tests."""

CASES = {
    "370 kB, 16 connections": (LARGE_PATH, 16),
    "370 kB, 1 connection": (LARGE_PATH, 1),
    "100 B, 16 connections": (SMALL_PATH, 16),
}
REQUESTS = "requests/s"
MILLISECONDS = "ms"


def run(rounds: int, seconds: float) -> list[Row]:
    """Contenders take turns within each round, and each round begins with another of them."""
    throughput: dict[tuple[str, str], list[float]] = defaultdict(list)
    latency: dict[tuple[str, str], list[float]] = defaultdict(list)
    with ExitStack() as stack, Progress(transient=True) as progress:
        for contender, address in ADDRESSES.items():
            stack.enter_context(server("bench.http_servers", contender, str(address), address=address))
        task = progress.add_task("http", total=rounds * len(CASES) * len(ADDRESSES))
        for number in range(rounds):
            for case, (path, connections) in CASES.items():
                for contender in _in_turn(number):
                    result = _load(contender, path, connections, seconds)
                    throughput[case, contender].append(result["requests_per_second"])
                    latency[case, contender].append(result["p50_milliseconds"])
                    progress.advance(task)
    return [*_rows("throughput", throughput, REQUESTS, True), *_rows("p50", latency, MILLISECONDS, False)]


def _in_turn(number: int) -> list[str]:
    contenders = list(ADDRESSES)
    first = number % len(contenders)
    return contenders[first:] + contenders[:first]


def _load(contender: str, path: str, connections: int, seconds: float) -> dict[str, float]:
    return result_of("bench.http_load", str(ADDRESSES[contender]), path, str(connections), str(seconds))


def _rows(measure: str, values: dict[tuple[str, str], list[float]], unit: str, higher_is_better: bool) -> list[Row]:
    return [
        middle(f"{measure}, {case}", contender, values[case, contender], unit, higher_is_better=higher_is_better)
        for case in CASES
        for contender in ADDRESSES
    ]
