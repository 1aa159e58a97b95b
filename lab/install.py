"""Makes the virtual environment that everything else runs in. Only the standard library: nothing is installed yet.

    python3 -m lab.install ENVIRONMENT_FOLDER REQUIREMENTS

Versions and hashes come from the lock file; the project itself is installed editable, built with what the lock brought.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OLDEST_PYTHON = (3, 11)
REPOSITORY = Path(__file__).resolve().parent.parent
PAUSE_SECONDS = 0.5
STAMP = "installed"
LOG_TAIL_LINES = 15


class InstallFailed(Exception):
    """A command failed; the message has the end of its log."""


def main() -> None:
    folder, requirements = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    try:
        require_python()
        install(folder, requirements)
    except InstallFailed as error:
        sys.exit(str(error))


def require_python() -> None:
    if sys.version_info < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        raise InstallFailed(f"Python {wanted} or newer is needed, this is {sys.version.split()[0]}: make PYTHON=...")


def install(folder: Path, requirements: Path) -> None:
    if not (folder / "bin" / "pip").exists():
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "install.log"
    log.unlink(missing_ok=True)
    if importlib.util.find_spec("ensurepip") is None:
        install_venv_package(log)
    if not (folder / "bin" / "pip").exists():
        run("creating the virtual environment", [sys.executable, "-m", "venv", str(folder)], log)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    run(
        "installing the locked requirements (pip)",
        [*pip, "--require-hashes", "--no-deps", "--only-binary", ":all:", "--requirement", str(requirements)],
        log,
    )
    run(
        "installing Local Group itself",
        [*pip, "--no-deps", "--no-build-isolation", "--editable", str(REPOSITORY)],
        log,
    )
    (folder / STAMP).touch()


def install_venv_package(log: Path) -> None:
    """Debian keeps the part of Python that makes virtual environments in a package of its own."""
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise InstallFailed("this Python cannot make virtual environments: install the package python3-venv")
    run("reading the package lists (apt)", [apt, "update", "-q"], log)
    run("installing python3-venv (apt)", [apt, "install", "-q", "-y", "--no-install-recommends", "python3-venv"], log)


def run(title: str, command: list[str], log: Path) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with step(title), log.open("ab") as output:
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    if done.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])
        raise InstallFailed(f"{tail}\n\nfailed: {title}; all of it is in {log}")


@contextmanager
def step(title: str) -> Iterator[None]:
    """The title and the seconds so far, on one line of a terminal; elsewhere, one line at the beginning."""
    began, ended = time.monotonic(), threading.Event()
    if not sys.stdout.isatty():
        print(f"  ...  {title}", flush=True)
        yield
        return
    ticker = threading.Thread(target=tick, args=(title, began, ended))
    ticker.start()
    try:
        yield
    finally:
        ended.set()
        ticker.join()
        print(flush=True)


def tick(title: str, began: float, ended: threading.Event) -> None:
    while True:
        over = ended.wait(PAUSE_SECONDS)
        print(f"\r  ...  {title} ({time.monotonic() - began:.0f} s)", end="", flush=True)
        if over:
            return


if __name__ == "__main__":
    main()
