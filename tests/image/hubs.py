"""Hubs from the image: each as its pod has it, at an address of this machine, with names as a cluster resolves them."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.regions import NATS_MONITOR
from tests.image.container import USER, Root
from tests.image.processes import inside
from tests.k8s.objects import container
from tests.k8s.rendering import region_manifests
from tests.k8s.test_configuration import write_hub

EVERYWHERE = "0.0.0.0"
TARGETS = ("etc/nats/tls", "etc/nats/trust", "run/nats", "run/mesh", "data")


def prepare(root: Root) -> None:
    """What a runtime makes for its mounts."""
    for target in TARGETS:
        (root.path / target).mkdir(parents=True, exist_ok=True)
    for target in ("etc/hosts", "etc/nats/nats.conf"):
        (root.path / target).touch()


def write_hosts(folder: Path, names: Mapping[str, str]) -> None:
    (folder / "hosts").write_text("".join(f"{address} {name}\n" for name, address in names.items()))


def write(folder: Path, region: str, address: str, secrets: Path | None = None) -> None:
    """Its files, for its user. `secrets`: those of another hub, which it is to know."""
    configuration = write_hub(region_manifests(region), region, folder, secrets)
    text = configuration.read_text().replace(EVERYWHERE, address).replace(f"{folder}/", "/etc/nats/")
    configuration.write_text(text)
    (folder / "run").mkdir()
    subprocess.run(["chown", "-R", USER, str(folder)], check=True)


@dataclass
class Hub:
    root: Root
    folder: Path
    region: str
    number: int
    address: str

    @property
    def monitor(self) -> str:
        return f"http://{self.address}:{NATS_MONITOR}"

    def command(self) -> list[str]:
        mounts = {
            self.folder / "hosts": "/etc/hosts",
            self.folder / "nats.conf": "/etc/nats/nats.conf",
            self.folder / "tls": "/etc/nats/tls",
            self.folder / "trust": "/etc/nats/trust",
            self.folder / "run": "/run/nats",
        }
        told = {
            "LOCALGROUP_REGION": self.region,
            "NAME": f"{self.region}-nats-{self.number}",
            "GATEWAY": f"nats-{self.region}:7222",
        }
        return self.root.command(*self.pod["command"], mounts=mounts, told=told)

    def leave_command(self, process: subprocess.Popen[bytes]) -> list[str]:
        """What the kubelet runs in the container before it ends it."""
        program, *arguments = self.pod["lifecycle"]["preStop"]["exec"]["command"]
        return [
            "nsenter",
            "--target",
            str(inside(process)),
            "--mount",
            "--pid",
            "--root",
            f"/opt/localgroup/bin/{program}",
            *arguments,
        ]

    @property
    def pod(self) -> dict[str, dict[str, dict[str, dict[str, list[str]]]]]:
        return container(region_manifests(self.region), "nats")
