"""After all members were down: which one may begin the cluster anew.

Each member's `grastate.dat` says how far it came, and -1 when it was killed; then `mariadbd --wsrep-recover` finds it
out. The last to leave in order, or else the most advanced, begins; the others join it. Beginning twice would make two
clusters, so this is decided in one place, and only while none of the members runs.

While a table is created or altered the file says that there is nothing, on every member, and so it does while a member
is sent a copy of everything. What the storage engine of such a member says is not sure, but good for comparing: who is
half copied is behind the one that it was copied from. So it begins only where it is ahead of all, or nobody is sure.
"""

from __future__ import annotations

import logging
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lab.command import TAIL_LINES, CommandFailed
from lab.galera import SERVER, configuration_path, data_folder, give, has_data

UNDEFINED = "00000000-0000-0000-0000-000000000000"
UNKNOWN = -1
RECOVERY_SECONDS = 120
logger = logging.getLogger(__name__)

RECOVERED = re.compile(r"WSREP: Recovered position:?\s+(?P<history>[0-9a-f-]{36}):(?P<seqno>-?\d+)")


class DifferentHistories(Exception):
    """The members' data does not descend from one cluster; choosing one would drop the other's."""


@dataclass(frozen=True, slots=True)
class Position:
    """`seqno` counts the commits of the cluster named by `history`; `safe` if it was the last to leave; not `sure` if
    only the storage engine says so."""

    history: str
    seqno: int
    safe: bool = False
    sure: bool = True

    @property
    def empty(self) -> bool:
        return self.history == UNDEFINED

    @property
    def known(self) -> bool:
        return not self.empty and self.seqno != UNKNOWN

    def __str__(self) -> str:
        return f"{self.history}:{self.seqno}"


NOTHING = Position(UNDEFINED, UNKNOWN)
"""No data, or data that no cluster has ever had."""
HALF_A_COPY = Position(UNDEFINED, UNKNOWN, sure=False)


def parse_state(text: str) -> Position:
    """Of a `grastate.dat`."""
    fields = dict(re.findall(r"^(\w+):\s+(\S+)\s*$", text, re.MULTILINE))
    return Position(
        fields.get("uuid", UNDEFINED), int(fields.get("seqno", UNKNOWN)), fields.get("safe_to_bootstrap") == "1"
    )


def parse_recovery(log: str) -> Position:
    """Of what `--wsrep-recover` prints; nothing when it found nothing."""
    found = RECOVERED.search(log)
    return Position(found["history"], int(found["seqno"])) if found else NOTHING


def state_path(folder: Path) -> Path:
    return data_folder(folder) / "grastate.dat"


def read_state(folder: Path) -> Position:
    try:
        return parse_state(state_path(folder).read_text())
    except FileNotFoundError:
        return NOTHING


def write_state(folder: Path, position: Position) -> None:
    """What the member will believe of itself when it starts."""
    path = state_path(folder)
    path.write_text(
        "# GALERA saved state\nversion: 2.1\n"
        f"uuid:    {position.history}\nseqno:   {position.seqno}\nsafe_to_bootstrap: {int(position.safe)}\n"
    )
    give(path)


def recover(folder: Path) -> Position:
    """How far a killed member came, from its storage engine. Takes seconds: it replays the engine's log."""
    done = subprocess.run(
        [SERVER, f"--defaults-file={configuration_path(folder)}", "--wsrep-recover"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=RECOVERY_SECONDS,
    )
    if done.returncode:
        said = "\n".join(done.stderr.splitlines()[-TAIL_LINES:])
        raise CommandFailed(f"{SERVER} --wsrep-recover failed in {folder}\n{said}")
    return parse_recovery(done.stderr + done.stdout)


def position(folder: Path) -> Position:
    state = read_state(folder)
    if state.known or not has_data(folder):
        return state
    if not state.empty:
        return recover(folder)
    try:
        found = recover(folder)
    except CommandFailed:
        logger.warning("%s has half a copy of a database", folder, exc_info=True)
        return HALF_A_COPY
    return NOTHING if found.empty else replace(found, sure=False)


def most_advanced(positions: Mapping[str, Position]) -> str | None:
    """The name of the member that may begin the cluster; None when no member has any data."""
    members = {name: found for name, found in positions.items() if not found.empty}
    if len({found.history for found in members.values()}) > 1:
        known = ", ".join(f"{name} {found}" for name, found in sorted(members.items()))
        raise DifferentHistories(f"the members' data comes from different clusters: {known}")
    return max(members, key=lambda name: (members[name].seqno, members[name].safe, members[name].sure), default=None)


def allow_bootstrap(folder: Path, found: Position) -> None:
    """Galera refuses to begin from a member that was not the last to leave, unless it is told that this is known; one
    that says it has nothing would begin another history."""
    if found.known and not found.sure:
        write_state(folder, replace(found, safe=True))
        return
    path = state_path(folder)
    if path.exists():
        path.write_text(re.sub(r"^safe_to_bootstrap:.*$", "safe_to_bootstrap: 1", path.read_text(), flags=re.MULTILINE))
