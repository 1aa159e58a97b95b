"""The program that supervision starts for a Galera member: it becomes `mariadbd`, told from where to go on.

A killed member must be told the position that its storage engine reached, else it copies everything from another
member. Leave to begin a new cluster is given in a file that is removed before it is used, so that a member which
supervision starts again always joins.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from lab.galera import SERVER, configuration_path
from lab.recovery import allow_bootstrap, position


def leave_to_begin(folder: Path) -> Path:
    return folder / "begin-cluster"


def arguments(folder: Path) -> list[str]:
    found = position(folder)
    chosen = [f"--defaults-file={configuration_path(folder)}"]
    if found.known and found.sure:
        chosen.append(f"--wsrep-start-position={found}")
    if leave_to_begin(folder).exists():
        leave_to_begin(folder).unlink()
        allow_bootstrap(folder, found)
        chosen.append("--wsrep-new-cluster")
    return chosen


def main() -> None:
    server = shutil.which(SERVER)
    if server is None:
        sys.exit(f"{SERVER} is not installed")
    os.execv(server, [server, *arguments(Path(sys.argv[1]))])  # noqa: S606


if __name__ == "__main__":
    main()
