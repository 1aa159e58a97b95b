"""Building the image, and running programs in it as a cluster does: as an ordinary user, on a root nobody can write to.

What Kubernetes says of a container is said here with the kernel's own means: a mount namespace with the image's files,
read-only, a user without any capability, no new privileges. The network is the test's own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.packages import BUILDER

REPOSITORY = Path(__file__).parents[2]
USER = "65532:65532"
BUILD_SECONDS = 900
EXCLUDED = ("doc", "man", "locale", "info")
"""Of /usr/share, what an image of Debian's own leaves out."""
BASE = "LOCALGROUP_BASE_IMAGE"
"""An image to build from in place of one that is made of Debian's packages."""
ENTER = """
set -e
root=$1; shift
mount --bind "$root" "$root"
while [ "$1" != -- ]; do mount --bind "${1%%=*}" "$root${1#*=}"; shift; done
shift
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
exec setpriv --no-new-privs chroot --userspec="$USER_AND_GROUP" "$root" env -i "$@"
"""
PATH = "PATH=/opt/localgroup/bin:/usr/sbin:/usr/bin:/bin"


def why_not() -> str | None:
    if os.geteuid() != 0:
        return "building an image takes root"
    missing = [name for name in BUILDER if shutil.which(name) is None]
    return f"{', '.join(missing)} not installed" if missing else None


@dataclass(frozen=True)
class Storage:
    """Images of one test run, apart from the machine's own."""

    folder: Path

    def buildah(self, *arguments: str) -> str:
        options = ("--root", str(self.folder / "root"), "--runroot", str(self.folder / "run"))
        done = subprocess.run(
            ["buildah", *options, *arguments],
            env=os.environ | {"BUILDAH_ISOLATION": "chroot", "TMPDIR": str(self.folder)},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=BUILD_SECONDS,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout[-4000:]}{done.stderr[-4000:]}"
        return done.stdout.strip()

    def base(self) -> str:
        """Debian, as small as apt allows."""
        if given := os.environ.get(BASE):
            return given
        archive = self.folder / "base.tar"
        _run(
            "mmdebstrap",
            "--variant=apt",
            "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
            "--include=usr-is-merged",
            "--dpkgopt=force-unsafe-io",
            *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in EXCLUDED),
            "bookworm",
            str(archive),
            *_sources(),
        )
        container = self.buildah("from", "scratch")
        self.buildah("add", "--quiet", container, str(archive), "/")
        self.buildah("commit", "--quiet", "--rm", container, "localhost/debian:bookworm")
        return "localhost/debian:bookworm"

    def build(self, base: str, target: str | None = None) -> str:
        """Wheels come through this machine's own settings of pip; hashes are checked in the build."""
        wheels, name = self.folder / "wheels", f"localhost/localgroup{f'-{target}' if target else ''}:test"
        if not wheels.exists():
            _run(sys.executable, "-m", "pip", "download", "--quiet", *_LOCKED, "--dest", str(wheels), *_LOCKS)
        told = {"BASE": base, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/wheels"}
        self.buildah(
            "build",
            "--layers",
            "--format=docker",
            *(f"--build-arg={key}={value}" for key, value in told.items()),
            f"--volume={wheels}:/wheels:ro",
            *([f"--target={target}"] if target else []),
            f"--tag={name}",
            str(REPOSITORY),
        )
        return name

    def inspect(self, image: str) -> Mapping[str, object]:
        found: Mapping[str, object] = json.loads(self.buildah("inspect", "--type", "image", image))["Docker"]["config"]
        return found

    def mount(self, image: str) -> Path:
        return Path(self.buildah("mount", self.buildah("from", image)))


_LOCKED = ("--require-hashes", "--no-deps", "--only-binary", ":all:")
_LOCKS = (
    "--requirement",
    str(REPOSITORY / "requirements.lock"),
    "--requirement",
    str(REPOSITORY / "requirements-build.lock"),
)


@dataclass(frozen=True)
class Root:
    """An image's files."""

    path: Path

    def command(
        self, *program: str, mounts: Mapping[Path, str] | None = None, told: Mapping[str, str] | None = None
    ) -> list[str]:
        """`mounts`: folders and files of this machine, and where the program finds them."""
        bound = [f"{source}={target}" for source, target in (mounts or {}).items()]
        variables = [f"{name}={value}" for name, value in (told or {}).items()]
        enter = ENTER.replace("$USER_AND_GROUP", USER)
        isolated = ["unshare", "--mount", "--pid", "--fork", "--kill-child=SIGTERM"]
        return [*isolated, "sh", "-c", enter, "enter", str(self.path), *bound, "--", PATH, *variables, *program]

    def run(self, *program: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*program), capture_output=True, text=True, timeout=60)

    def bytes(self) -> int:
        return sum(path.lstat().st_size for path in self.path.rglob("*") if not path.is_dir() or path.is_symlink())

    def programs(self) -> set[str]:
        folders = ("bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "opt/localgroup/bin")
        return {each.name for folder in folders for each in (self.path / folder).iterdir()}


def _run(*command: str) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=BUILD_SECONDS, check=False
    )
    assert done.returncode == 0, f"{command[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}"


def _sources() -> Sequence[str]:
    """Where this machine has its packages from."""
    folder = Path("/etc/apt")
    found = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("debian*"))]
    return [str(path) for path in found if path.exists()]
