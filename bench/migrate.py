"""Loading tracking documents into a cluster of three: ours, LOAD DATA of rows that are converted already, and
rethinkport; ours verifying what it loaded. rethinkport loads none of the genuine documents, since it gives a table up
at the first value that its column does not take, so that documents of one shape are another race.

Contenders take turns within each round, and start with a database without tables.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import sqlalchemy as sa
from rich.table import Table

from bench import environments, migrate_alike, rethinkport
from bench.report import OURS, Report, Row, middle
from lab.install import InstallFailed
from lab.trial import trial
from migrations.database_url import synchronous
from migrations.nosql import known_plans
from migrations.nosql import progress as records
from migrations.nosql.cells import Cell, Misfit
from migrations.nosql.conversion import Converter
from migrations.nosql.plan import Plan
from migrations.nosql.run import Job
from migrations.nosql.sources.opening import open_source
from migrations.nosql.sources.source import Document, Source
from migrations.nosql.target import reached
from migrations.nosql.verify import verify

FIRST_ADDRESS = "127.77.97.1"
"""Away from the regions of this machine, and from those of the tests."""
PLAIN = "load-data"
DOCUMENTS, RATIO, MEBIBYTES = "documents/s", "ratio", "MiB"
LOADED = "tracking documents"
ALIKE = "documents of one shape, by command"
VERIFIED = "verify: share of the load's time"
MEMORY = "resident memory"
TABLE = "slugsurvival.tracking"
RATE_MIN = 5_000.0
PLAIN_SHARE_MIN = 0.5
FASTER_MIN = 5.0
VERIFIED_MAX = 0.25
MEMORY_MAX = 190.7
"""200 MB."""


Values: TypeAlias = dict[tuple[str, str, str], list[float]]
"""(case, unit, contender) to a value of each round."""


@dataclass(frozen=True)
class Input:
    dump: Path
    source: Source
    plan: Plan

    @classmethod
    def of(cls, dump: Path) -> Input:
        source = open_source(str(dump))
        found = known_plans.find(table.name for table in source.tables())
        if found is None:
            raise ValueError(f"{dump} is not the dump of this project's tracking")
        plan = Plan(tuple(table for table in found[1].tables if table.source == TABLE))
        return cls(dump, source, plan)


def run(dump: Path, rounds: int) -> Report:
    given = Input.of(dump)
    absent: dict[str, str] = {}
    values: Values = defaultdict(list)
    with trial(FIRST_ADDRESS, embedded=False, with_tiers=False) as members, tempfile.TemporaryDirectory() as folder:
        foreign = _foreign(absent)
        rows = _write_rows(given, Path(folder) / "rows.tsv")
        unpacked = rethinkport.unpack(dump, TABLE.rpartition(".")[2], Path(folder))
        alike = migrate_alike.folder_of(partial(_sound, given), unpacked, TABLE, Path(folder))
        url = members.database_url(members.regions[0])
        with reached(f"{url}?local_infile=1") as engine:
            for _ in range(rounds):
                _ours(given, engine, values)
                _load_data(given, engine, rows, values)
                if foreign is not None:
                    _race(given, engine, LOADED, rethinkport.NAME, partial(foreign, unpacked, synchronous(url)), values)
                    _race(given, engine, ALIKE, rethinkport.NAME, partial(foreign, alike, synchronous(url)), values)
                _race(given, engine, ALIKE, OURS, partial(migrate_alike.load, alike, given.plan, url), values)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = [
        middle(case, name, each, unit, higher_is_better=case != VERIFIED)
        for (case, unit, name), each in sorted(values.items())
    ]
    return Report("migrate", rounds, [*found, Row(MEMORY, OURS, round(peak, 1), MEBIBYTES, False)], absent)


def goals(rows: Sequence[Row]) -> Table:
    found = {(row.case, row.contender): row.value for row in rows}
    ours = found[LOADED, OURS]
    foreign = found.get((ALIKE, rethinkport.NAME))
    table = Table(title="goals, of the medians", title_justify="left")
    table.add_column("goal")
    table.add_column("found", justify="right")
    table.add_column("met")
    for text, value, met in (
        (f"{DOCUMENTS} into three members >= {RATE_MIN:,.0f}", ours, ours >= RATE_MIN),
        (
            f"{DOCUMENTS}, ours : {PLAIN} >= {PLAIN_SHARE_MIN}",
            share := ours / found[LOADED, PLAIN],
            share >= PLAIN_SHARE_MIN,
        ),
        (
            f"{ALIKE}, ours : {rethinkport.NAME} >= {FASTER_MIN:g}",
            times := found[ALIKE, OURS] / foreign if foreign else None,
            bool(times and times >= FASTER_MIN),
        ),
        (f"{VERIFIED} <= {VERIFIED_MAX}", found[VERIFIED, OURS], found[VERIFIED, OURS] <= VERIFIED_MAX),
        (f"{MEMORY}, {MEBIBYTES} <= {MEMORY_MAX}", found[MEMORY, OURS], found[MEMORY, OURS] <= MEMORY_MAX),
    ):
        table.add_row(text, "absent" if value is None else f"{value:,.2f}", "yes" if met else "NO")
    return table


def _ours(given: Input, engine: sa.Engine, values: Values) -> None:
    job = _emptied(given, engine)
    seconds = _seconds(lambda: job.load(lambda _: None))
    _note(values, LOADED, OURS, seconds, _rows(engine) + _set_aside(engine))
    values[VERIFIED, RATIO, OURS].append(_seconds(lambda: _must_be_same(job)) / seconds)


def _load_data(given: Input, engine: sa.Engine, rows: Path, values: Values) -> None:
    _emptied(given, engine).tables.metadata.create_all(engine)
    statement = f"LOAD DATA LOCAL INFILE '{rows}' INTO TABLE tracking CHARACTER SET utf8mb4"

    def load() -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)

    _note(values, LOADED, PLAIN, _seconds(load), _rows(engine))


def _race(given: Input, engine: sa.Engine, case: str, name: str, load: Callable[[], None], values: Values) -> None:
    """A command's turn."""
    _emptied(given, engine)
    _note(values, case, name, _seconds(load), _rows(engine))


def _note(values: Values, case: str, name: str, seconds: float, kept: int) -> None:
    values[case, DOCUMENTS, name].append(kept / seconds)
    values[f"{case}: kept", "documents", name].append(kept)


def _foreign(absent: dict[str, str]) -> Callable[[Path, sa.URL], None] | None:
    try:
        python = environments.environment(rethinkport.NAME, sys.executable, rethinkport.REQUIREMENTS)
        return partial(rethinkport.load, python)
    except (InstallFailed, OSError, subprocess.SubprocessError) as error:
        absent[rethinkport.NAME] = str(error).strip().rpartition("\n")[2]
        return None


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _rows(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT COUNT(*) FROM tracking").scalar_one())


def _set_aside(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        question = sa.select(sa.func.count()).select_from(records.quarantine).where(records.quarantine.c.part == 0)
        return int(connection.execute(question).scalar_one())


def _must_be_same(job: Job) -> None:
    if not all(verdict.same for verdict in verify(job)):
        raise RuntimeError("what was loaded is not what the source has")


def _emptied(given: Input, engine: sa.Engine) -> Job:
    job = Job.of(given.source, given.plan, engine)
    job.tables.metadata.drop_all(engine)
    records.metadata.drop_all(engine)
    return job


def _converted(given: Input) -> Iterator[tuple[Document, Sequence[Cell]]]:
    """Those documents that are not put aside, and the row of each."""
    converter = Converter(given.plan.tables[0])
    for entry in given.source.read(TABLE):
        try:
            yield entry.document, converter.convert(entry.document).parent.cells
        except Misfit:
            continue


def _sound(given: Input) -> Iterator[Document]:
    return (document for document, _ in _converted(given))


def _write_rows(given: Input, path: Path) -> Path:
    with path.open("w", encoding="utf-8") as file:
        for _, row in _converted(given):
            file.write("\t".join(map(_field, row)) + "\n")
    return path


def _field(cell: Cell) -> str:
    return "\\N" if cell is None else str(cell).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
