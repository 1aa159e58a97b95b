"""Request-reply through one nats-server: ours with its default policies, against what else there is for NATS.

Caller, callee and server share this machine. Contenders take turns within each round, and each round begins with
another of them; what is printed are medians of the rounds, and the goals as ratios of these.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.progress import Progress
from rich.table import Table

from bench.mesh_pair import Result, Stuck, measure, nats_server
from bench.mesh_peers import Contender, Field, gather
from bench.peers.answers import answer_bytes
from bench.peers.closed_loop import Phase
from bench.report import OURS, Report, Row, middle
from broker.settings import Address

ADDRESS = Address("127.77.79.11", 4222)
"""Away from the regions of this machine, and from those of the tests."""

ALONE, SOME, MANY = "1 in flight", "32 in flight", "256 in flight"
BESIDE_SLOW = "1 in flight, beside 4 slow calls"
STREAM = "100 MB stream"
LARGE = "1 MB replies, 4 in flight"
REQUESTS, MILLISECONDS, MEGABYTES, MEBIBYTES = "requests/s", "ms", "MB/s", "MiB"
BYTES = 1_000_000
"""Of a megabyte."""
WARM_UP_SECONDS = 0.3
ONCE_SECONDS = 0.001
"""Over before the first is answered."""
STREAMING = (OURS, "moleculer-0.15")
"""The others have no streams."""

Values = Mapping[tuple[str, str, str], Sequence[float]]
"""(case, unit, contender) to a value of each round."""


@dataclass(frozen=True)
class Goal:
    """A ratio of two contenders, or of two cases of ours."""

    text: str
    over: tuple[str, str, str]
    under: tuple[str, str, str]
    met: Callable[[float], bool]


GOALS = (
    Goal(
        "requests/s at 256 in flight, ours : moleculer-0.15 >= 1.1",
        (MANY, REQUESTS, OURS),
        (MANY, REQUESTS, "moleculer-0.15"),
        lambda ratio: ratio >= 1.1,
    ),
    Goal(
        "requests/s at 256 in flight, ours : nats-py >= 2",
        (MANY, REQUESTS, OURS),
        (MANY, REQUESTS, "nats-py"),
        lambda ratio: ratio >= 2,
    ),
    Goal(
        "requests/s at 256 in flight, ours : moleculerpy >= 6",
        (MANY, REQUESTS, OURS),
        (MANY, REQUESTS, "moleculerpy"),
        lambda ratio: ratio >= 6,
    ),
    Goal(
        "requests/s at 256 in flight, ours : localgroup-bare >= 0.7",
        (MANY, REQUESTS, OURS),
        (MANY, REQUESTS, "localgroup-bare"),
        lambda ratio: ratio >= 0.7,
    ),
    Goal(
        "p50 at 1 in flight, ours : moleculer-0.15 <= 1",
        (f"p50, {ALONE}", MILLISECONDS, OURS),
        (f"p50, {ALONE}", MILLISECONDS, "moleculer-0.15"),
        lambda ratio: ratio <= 1,
    ),
    Goal(
        "p50 at 1 in flight, ours beside slow calls : alone <= 2",
        (f"p50, {BESIDE_SLOW}", MILLISECONDS, OURS),
        (f"p50, {ALONE}", MILLISECONDS, OURS),
        lambda ratio: ratio <= 2,
    ),
)


def run(rounds: int, seconds: float) -> Report:
    field = gather()
    values: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    absent = dict(field.absent)
    with nats_server(ADDRESS) as url, Progress(transient=True) as progress:
        task = progress.add_task("mesh", total=rounds * len(field.present))
        for number in range(rounds):
            for contender in _in_turn(field, number):
                progress.update(task, description=f"mesh: {contender.name}")
                if contender.name not in absent:
                    _take_turn(contender, url, seconds, values, absent)
                progress.advance(task)
    return Report("mesh", rounds, _rows(values, absent), absent)


def goals(rows: Sequence[Row]) -> Table:
    medians = {(row.case, row.unit, row.contender): row.value for row in rows}
    table = Table(title="goals, as ratios of the medians", title_justify="left")
    table.add_column("goal")
    table.add_column("ratio", justify="right")
    table.add_column("met")
    for goal in GOALS:
        over, under = medians.get(goal.over), medians.get(goal.under)
        if over and under:
            ratio = over / under
            table.add_row(goal.text, f"{ratio:.2f}", "yes" if goal.met(ratio) else "NO")
        else:
            table.add_row(goal.text, "", "absent")
    return table


def plan(seconds: float, *, streaming: bool) -> list[Phase]:
    stream = [Phase(STREAM, text="stream", seconds=ONCE_SECONDS)] if streaming else []
    return [
        Phase("warm up", in_flight=32, seconds=WARM_UP_SECONDS),
        Phase(ALONE, seconds=seconds),
        Phase(SOME, in_flight=32, seconds=seconds),
        Phase(MANY, in_flight=256, seconds=seconds),
        Phase(BESIDE_SLOW, slow_beside=4, seconds=seconds),
        Phase(LARGE, text="large", in_flight=4, seconds=seconds),
        *stream,
    ]


def _in_turn(field: Field, number: int) -> list[Contender]:
    first = number % len(field.present)
    return [*field.present[first:], *field.present[:first]]


def _take_turn(
    contender: Contender,
    url: str,
    seconds: float,
    values: dict[tuple[str, str, str], list[float]],
    absent: dict[str, str],
) -> None:
    """A peer that fails is out of the race, and its reason is told; if ours fails, there is no race."""
    results: dict[str, Result] = {}
    streaming = contender.name in STREAMING and _stream_of(contender) not in absent
    try:
        for result in measure(contender, url, plan(seconds, streaming=streaming)):
            results[result["case"]] = result
    except Stuck as error:
        if contender.name.startswith(OURS):
            raise
        absent[_stream_of(contender) if LARGE in results else contender.name] = str(error)
    if LARGE in results:
        for (case, unit), value in _measured(results).items():
            values[case, unit, contender.name].append(value)


def _stream_of(contender: Contender) -> str:
    return f"{contender.name}, {STREAM}"


def _measured(results: Mapping[str, Result]) -> dict[tuple[str, str], float]:
    alone, beside, large = results[ALONE], results[BESIDE_SLOW], results[LARGE]
    stream = results.get(STREAM)
    throughput = {(case, REQUESTS): results[case]["requests_per_second"] for case in (ALONE, SOME, MANY)}
    return throughput | {
        (f"p50, {ALONE}", MILLISECONDS): alone["p50_milliseconds"],
        (f"p99, {ALONE}", MILLISECONDS): alone["p99_milliseconds"],
        (f"p50, {BESIDE_SLOW}", MILLISECONDS): beside["p50_milliseconds"],
        (LARGE, MEGABYTES): large["requests_per_second"] * answer_bytes("large") / BYTES,
        ("memory of both before 1 MB replies", MEBIBYTES): beside["resident_mebibytes"],
        ("memory of both after 1 MB replies", MEBIBYTES): large["resident_mebibytes"],
        **(_measured_stream(large, stream) if stream else {}),
    }


def _measured_stream(before: Result, stream: Result) -> dict[tuple[str, str], float]:
    return {
        (STREAM, MEGABYTES): stream["requests_per_second"] * answer_bytes("stream") / BYTES,
        (f"memory of both before {STREAM}", MEBIBYTES): before["resident_mebibytes"],
        (f"memory of both after {STREAM}", MEBIBYTES): stream["resident_mebibytes"],
        (f"peak of both until after {STREAM}", MEBIBYTES): stream["peak_mebibytes"],
    }


def _rows(values: Values, absent: Mapping[str, str]) -> list[Row]:
    cases = dict.fromkeys((case, unit) for case, unit, _ in values)
    contenders = sorted({contender for _, _, contender in values} - absent.keys())
    return [
        middle(case, name, values[case, unit, name], unit, higher_is_better=unit in (REQUESTS, MEGABYTES))
        for case, unit in cases
        for name in contenders
        if (case, unit, name) in values
    ]
