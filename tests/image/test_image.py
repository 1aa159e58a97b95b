"""The image: what is in it and what is not, and a whole region run from it, with the manifests' own commands."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import pytest
import yaml

from lab import cluster_secrets
from lab.regions import HTTP, METRICS, NATS
from tests.image import hubs
from tests.image.container import USER, Root, Storage
from tests.image.hubs import Hub
from tests.image.processes import answer, running, wait_until
from tests.k8s.objects import container
from tests.k8s.rendering import REGIONS, region_manifests

BYTES_MAX = 250_000_000
BUILD_TOOLS = {
    "cc",
    "gcc",
    "g++",
    "clang",
    "make",
    "cmake",
    "ld",
    "as",
    "strip",
    "pip",
    "pip3",
    "git",
    "cargo",
    "go",
    "rustc",
}
ADDRESS = "127.77.91.1"
TIERS = ("whirlpool", "messier", "andromeda")


def test_it_is_small(root: Root) -> None:
    assert root.bytes() < BYTES_MAX


def test_no_tools_to_build_with_are_left_in_it(root: Root) -> None:
    assert root.programs() & BUILD_TOOLS == set()


def test_it_runs_as_nobody_in_particular_and_says_how_to_ask_for_its_health(storage: Storage, image: str) -> None:
    told = storage.inspect(image)
    assert told["User"] == USER
    assert told["Healthcheck"]["Test"] == ["CMD", "python", "-m", "broker.alive"]  # type: ignore[index]


@pytest.mark.parametrize("program", [*TIERS, "mesh", "migrate"])
def test_every_program_tells_how_it_is_used(root: Root, program: str) -> None:
    done = root.run(program, "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout


def test_nobody_can_write_to_it(root: Root) -> None:
    done = root.run("python", "-c", "open('/tmp/anything', 'w')")
    assert "Read-only file system" in done.stderr


def test_its_health_check_says_that_nothing_runs(root: Root) -> None:
    done = root.run("python", "-m", "broker.alive")
    assert (done.returncode, done.stderr) == (1, "LOCALGROUP_METRICS_ADDRESS must be <host>:<port>\n")


class Region:
    """Its hub and its tiers from the image: as pods are, but at one address of this machine, and on SQLite."""

    def __init__(self, root: Root, folder: Path) -> None:
        self._root, self._folder = root, folder
        self._manifests = region_manifests("west")
        hubs.write_hosts(folder, {"nats-west": ADDRESS})
        hubs.write(folder, "west", ADDRESS)
        self.hub = Hub(root, folder, "west", 0, ADDRESS)
        (folder / "data").mkdir()
        held = {each["metadata"]["name"]: each["stringData"] for each in self._secrets()}
        for tier in TIERS:
            mesh = folder / tier
            mesh.mkdir()
            (mesh / "mesh.creds").write_text(held[f"{tier}-credentials"]["mesh.creds"])
            (mesh / "ca.crt").write_text((folder / "tls" / "ca.crt").read_text())

    def _secrets(self) -> list[Mapping[str, Mapping[str, str]]]:
        path = next(path for path in cluster_secrets.write(self._folder / "secrets", REGIONS) if path.stem == "west")
        return list(yaml.safe_load_all(path.read_text()))

    def tier(self, name: str) -> list[str]:
        mounts = {
            self._folder / "hosts": "/etc/hosts",
            self._folder / name: "/run/mesh",
            self._folder / "data": "/data",
        }
        return self._command(name, mounts)

    def schema(self) -> list[str]:
        return self._command(self._job(), {self._folder / "data": "/data"})

    def _job(self) -> str:
        return next(str(each["metadata"]["name"]) for each in self._manifests if each["kind"] == "Job")

    def _command(self, workload: str, mounts: Mapping[Path, str]) -> list[str]:
        pod = container(self._manifests, workload)
        return self._root.command(*pod["command"], mounts=mounts, told=self._told(workload, pod))

    def _told(self, workload: str, pod: Mapping[str, list[Mapping[str, str]]]) -> dict[str, str]:
        """As a kubelet works it out."""
        told: dict[str, str] = {}
        elsewhere = {
            "POD": f"{workload}-0",
            "LOCALGROUP_REGION": "west",
            "LOCALGROUP_NATS_URLS": f"tls://nats-west:{NATS}",
            "LOCALGROUP_DATABASE_URL": "sqlite:////data/west.db",
        }
        for variable in pod.get("env", ()):
            value = variable.get("value") or elsewhere[variable["name"]]
            for name, known in told.items():
                value = value.replace(f"$({name})", known)
            told[variable["name"]] = value.replace(hubs.EVERYWHERE, ADDRESS)
        return told


@pytest.fixture
def west(root: Root) -> Iterator[Region]:
    folder = Path(mkdtemp(prefix="localgroup-west-"))
    folder.chmod(0o755)
    hubs.prepare(root)
    made = Region(root, folder)
    subprocess.run(["chown", "-R", USER, str(folder)], check=True)
    try:
        yield made
    finally:
        rmtree(folder)


def test_a_region_runs_from_it_without_root_and_without_a_disk_to_write_to(west: Region, tmp_path: Path) -> None:
    subprocess.run(west.schema(), check=True, capture_output=True, timeout=60)
    with ExitStack() as region:
        hub = tmp_path / "nats.log"
        region.enter_context(running(west.hub.command(), hub))
        wait_until(lambda: answer(f"{west.hub.monitor}/healthz")[0] == 200, hub)
        for tier in TIERS:
            log, url = tmp_path / f"{tier}.log", f"http://{ADDRESS}:{METRICS[tier]}"
            process = region.enter_context(running(west.tier(tier), log))
            wait_until(lambda url=url: answer(f"{url}/readyz")[0] == 200, log)  # type: ignore[misc]
            assert answer(f"{url}/healthz") == (200, {"healthy": True})
            assert process.poll() is None
        status, body = answer(f"http://{ADDRESS}:{HTTP}/readyz")
        assert status == 200
        assert body["node"] == "andromeda-west.andromeda-0"
    assert all("stopped" in (tmp_path / f"{tier}.log").read_text() for tier in TIERS)


def test_a_tier_without_a_hub_lives_and_is_not_ready(west: Region, tmp_path: Path) -> None:
    log, url = tmp_path / "whirlpool.log", f"http://{ADDRESS}:{METRICS['whirlpool']}"
    with running(west.tier("whirlpool"), log):
        wait_until(lambda: answer(f"{url}/healthz")[0] == 200, log)
        status, body = answer(f"{url}/readyz")
    assert status == 503
    assert body["reasons"]["mesh"] == "not connected"
