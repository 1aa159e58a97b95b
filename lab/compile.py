"""Compiles the modules of a call's path (`broker/compiled.py` lists them) with mypyc, which nothing depends on.

    python -m lab.compile

Where that cannot be done it says why in a line, and is content: the same modules then run as plain Python.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import sysconfig
from pathlib import Path
from tempfile import TemporaryDirectory

from broker import compiled
from lab.install import InstallFailed, run

LOOKED = "looked"
"""For make. Not written where something is missing, so that it is looked for again."""
SETUP = Path(__file__).with_name("compile_setup.py")


def main() -> None:
    folder = compiled.FOLDER / compiled.digest()
    if not folder.is_dir() and (reason := missing()):
        print(f"  ...  the mesh runs as plain Python, which takes more processor time a call: {reason}")
        return
    compiled.FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        if not folder.is_dir():
            compile_into(folder)
    except InstallFailed as error:
        print(f"{error}\nthe mesh runs as plain Python, which takes more processor time a call")
    (compiled.FOLDER / LOOKED).touch()


def missing() -> str | None:
    """What this machine lacks to compile anything."""
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[0]
    if shutil.which(compiler) is None:
        return f"there is no C compiler ({compiler}; Debian's package gcc)"
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        return "there are no headers of Python (Debian's package python3-dev)"
    return None


def compile_into(folder: Path) -> None:
    """All or nothing, and then nothing of older sources is left: who runs it holds on to its files."""
    with TemporaryDirectory(dir=compiled.FOLDER) as workshop:
        made, sources = Path(workshop, "made"), [str(compiled.source_of(module)) for module in compiled.MODULES]
        build = ["build_ext", "--build-lib", str(made), "--build-temp", workshop]
        command = [sys.executable, str(SETUP), workshop, *sources, *build]
        run("compiling the path of a call (mypyc)", command, compiled.FOLDER / "compile.log")
        made.rename(folder)
    for older in compiled.FOLDER.iterdir():
        if older.is_dir() and older != folder:
            shutil.rmtree(older, ignore_errors=True)


if __name__ == "__main__":
    main()
