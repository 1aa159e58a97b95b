"""`python -m tests.drills.away`: a member is away while the others go on, and comes back: is it sent what it missed, or
everything? Prints one JSON object.

What is written are the rows of keyed writes (`whirlpool/idempotency.py`): a key, an effect and an answer in one
transaction, each a write-set. A procedure in the database writes them, so that an hour's worth takes minutes.
"""

from __future__ import annotations

import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import orjson
import typer

from lab import cluster, galera, up
from lab.packages import why_embedded_now
from lab.programs import DATABASE
from lab.readiness import wait_until
from lab.supervisor import Supervisor
from lab.trial import Trial, trial

FIRST_ADDRESS = "127.77.53.1"
AN_HOUR_AT_50_A_SECOND = 180_000
WRITERS = 8
WRITTEN_SECONDS = 1_800.0
ANSWER_BYTES = 100
RECEIVED = re.compile(r"Receiving IST: (?P<count>\d+) writesets")
EVERYTHING = re.compile(r"SST completed on joiner")

PREPARE = (
    "CREATE TABLE IF NOT EXISTS localgroup.away (id INT PRIMARY KEY, value INT NOT NULL)",
    "REPLACE INTO localgroup.away VALUES " + ", ".join(f"({number}, 0)" for number in range(WRITERS)),
    "DROP PROCEDURE IF EXISTS localgroup.write_keyed",
    f"""CREATE PROCEDURE localgroup.write_keyed(IN writer INT, IN times INT)
BEGIN
  DECLARE done INT DEFAULT 0;
  WHILE done < times DO
    SET @key = UNHEX(MD5(CONCAT(UUID(), writer, done)));
    START TRANSACTION;
    INSERT INTO localgroup.recorded_answers (id, request, recorded_at) VALUES (@key, @key, 0);
    UPDATE localgroup.away SET value = value + 1 WHERE id = writer;
    UPDATE localgroup.recorded_answers SET answer = REPEAT('a', {ANSWER_BYTES}) WHERE id = @key;
    COMMIT;
    SET done = done + 1;
  END WHILE;
END""",
)


@dataclass(frozen=True)
class Return:
    """`received`: write-sets that it was sent one by one; 0 where it was sent everything."""

    writesets: int
    bytes_a_writeset: int
    writing_seconds: float
    returning_seconds: float
    received: int
    incremental: bool


def away(running: Trial, writesets: int) -> Return:
    """The last region's member is stopped, and started again. The schema is there."""
    writer, absent = running.laboratory.member(running.regions[0]), running.programs(DATABASE)[-1]
    galera.ask(writer, *PREPARE)
    log = running.laboratory.logs / f"{absent}.log"
    running.stop(absent)
    read_before, began, before = log.stat().st_size, time.monotonic(), replicated(writer)
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda number: write(writer, number, writesets // WRITERS), range(WRITERS)))
    came_back, after = time.monotonic(), replicated(writer)
    supervisor = Supervisor(running.laboratory)
    supervisor.start([absent])
    why_not_back = cluster.objection(running.laboratory, supervisor, running.regions[-1])
    wait_until(why_not_back, deadline_seconds=WRITTEN_SECONDS)
    said = log.read_bytes()[read_before:].decode(errors="replace")
    return Return(
        writesets=after[0] - before[0],
        bytes_a_writeset=(after[1] - before[1]) // (after[0] - before[0]),
        writing_seconds=round(came_back - began, 1),
        returning_seconds=round(time.monotonic() - came_back, 1),
        received=sum(int(found["count"]) for found in RECEIVED.finditer(said)),
        incremental=bool(RECEIVED.search(said)) and not EVERYTHING.search(said),
    )


def write(member: Path, writer: int, times: int) -> None:
    galera.ask(member, f"CALL localgroup.write_keyed({writer}, {times})", answer_seconds=WRITTEN_SECONDS)


def replicated(member: Path) -> tuple[int, int]:
    """Write-sets and bytes that this member sent to the others since it started."""
    said = galera.status(member)
    return int(said["replicated"]), int(said["replicated_bytes"])


def main(
    writesets: Annotated[int, typer.Option(help="As many as are written meanwhile.")] = AN_HOUR_AT_50_A_SECOND,
) -> None:
    if why := why_embedded_now():
        sys.exit(f"a drill needs real databases: {why}")
    with trial(FIRST_ADDRESS, embedded=False, with_tiers=False) as running:
        up.upgrade_schema(running.laboratory)
        found = away(running, writesets)
    print(orjson.dumps({"drill": "away", **asdict(found), "met": found.incremental}).decode())
    raise typer.Exit(0 if found.incremental else 1)


if __name__ == "__main__":
    typer.run(main)
