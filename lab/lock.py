"""Writes the lock files: the exact version and the hashes of everything that the project needs.

    requirements.lock        what the services need
    requirements-dev.lock    the same versions, and what the work on them needs
    requirements-build.lock  of these, what makes a wheel of the project: for its image

Neither names an index, so that they install from whichever one a machine is configured for.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from lab.install import REPOSITORY
from lab.laboratory import executable

HEADER = "# Written by `make lock` from pyproject.toml; not by hand.\n"
RUNTIME, DEVELOPMENT, BUILD = "requirements.lock", "requirements-dev.lock", "requirements-build.lock"
OPTIONS = (
    "--quiet",
    "--generate-hashes",
    "--strip-extras",
    "--allow-unsafe",
    "--no-annotate",
    "--no-header",
    "--no-emit-index-url",
    "--no-emit-trusted-host",
    "--no-emit-find-links",
    "--no-emit-options",
)


def project_file() -> dict[str, Any]:
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)


def requirements(group: str | None) -> list[str]:
    """Of the project, and of one of its groups."""
    project = project_file()
    wanted: list[str] = project["project"]["dependencies"]
    return wanted + (project["dependency-groups"][group] if group else [])


def write(target: Path, wanted: list[str], constraint: Path | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, found = Path(folder) / "wanted.in", Path(folder) / "found.txt"
        source.write_text("\n".join(wanted) + "\n")
        if target.exists():
            found.write_text(target.read_text())
        bound = ["--constraint", str(constraint)] if constraint else []
        command = [executable("pip-compile"), *OPTIONS, *sys.argv[1:], *bound, "--output-file", str(found), str(source)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        target.write_text(HEADER + found.read_text().removeprefix(HEADER))


def main() -> None:
    """Versions stay as they are while they fit; `--upgrade` takes the newest."""
    write(REPOSITORY / RUNTIME, requirements(None), None)
    write(REPOSITORY / DEVELOPMENT, requirements("dev"), REPOSITORY / RUNTIME)
    write(REPOSITORY / BUILD, project_file()["build-system"]["requires"], REPOSITORY / DEVELOPMENT)


if __name__ == "__main__":
    main()
