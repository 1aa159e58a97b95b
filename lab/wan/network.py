"""A laboratory's network from beginning to end: namespaces, devices and the forwarder, up with the body of a `with`.

The forwarder ends with whoever opened the network, however that ends; one that was itself killed is cleared away by
the next to open a network of that name.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab import strays
from lab.laboratory import MARK
from lab.readiness import wait_until
from lab.supervisor import end_with_parent
from lab.wan import namespaces
from lab.wan.controls import ForwarderGone, Links
from lab.wan.forwarder import READY
from lab.wan.sites import HOME, HOME_NUMBER, PLAN, OneWay, Plan, Site

READY_SECONDS = 30
END_SECONDS = 30
CONTROL, LOG = "network.sock", "network.log"


class NetworkFailed(Exception):
    """The forwarder did not start or did not end; the message is what it said."""


@dataclass(frozen=True)
class Network:
    plan: Plan
    folder: Path
    forwarder: subprocess.Popen[bytes]

    @property
    def links(self) -> Links:
        return links_of(self.plan)

    def site(self, name: str) -> Site:
        return next(site for site in self.plan.sites if site.name == name)

    def enter(self, site: str, *command: str) -> list[str]:
        """The same command, run at that site."""
        return [*namespaces.enter_command(self.site(site).namespace), *command]

    @contextmanager
    def process(
        self, site: str, *command: str, environment: Mapping[str, str] | None = None, log: Path | None = None
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Something of a test's own at a site, such as a load generator. It ends with the body, and with us."""
        with (log or Path(os.devnull)).open("ab") as output:
            process = subprocess.Popen(
                self.enter(site, *command),
                env=os.environ | dict(environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=end_with_parent,
            )
            try:
                yield process
            finally:
                process.terminate()
                process.wait(END_SECONDS)


def planned(
    name: str, numbers: Mapping[str, int], links: Sequence[OneWay], *, network: str, folder: Path, seed: int
) -> Plan:
    """`numbers`: of the sites, each the third number of its addresses. `name` is the laboratory's."""
    prefix = prefix_of(name)
    sites = [
        Site(name=site, number=number, network=network, namespace=f"{prefix}{site}") for site, number in numbers.items()
    ]
    home = Site(name=HOME, number=HOME_NUMBER, network=network, namespace="", device=f"wan-{name}")
    return Plan(sites=(*sites, home), links=tuple(links), seed=seed, prefix=prefix, control=str(folder / CONTROL))


def prefix_of(name: str) -> str:
    """What the namespaces' names of that laboratory begin with."""
    return f"localgroup-{name}-"


def write_plan(plan: Plan, folder: Path) -> None:
    (folder / PLAN).write_text(plan.model_dump_json(indent=2))


def read_plan(folder: Path) -> Plan | None:
    """Of the network that was last opened there."""
    path = folder / PLAN
    return Plan.model_validate_json(path.read_text()) if path.exists() else None


def links_of(plan: Plan) -> Links:
    return Links(Path(plan.control), [site.name for site in plan.sites])


def why_silent(folder: Path) -> str | None:
    """None while the forwarder answers."""
    plan = read_plan(folder)
    if plan is None:
        return "has no plan"
    try:
        links_of(plan).report()
    except ForwarderGone as error:
        return str(error)
    return None


@contextmanager
def opened(plan: Plan, folder: Path) -> Iterator[Network]:
    clear(plan, folder)
    write_plan(plan, folder)
    with (folder / LOG).open("wb") as log:
        forwarder = subprocess.Popen(
            [sys.executable, "-m", "lab.wan.forwarder", str(folder / PLAN)],
            env=os.environ | {MARK: mark(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    with forwarder:
        try:
            wait_ready(forwarder, folder)
            yield Network(plan, folder, forwarder)
        finally:
            end(forwarder, folder)


def wait_ready(forwarder: subprocess.Popen[bytes], folder: Path) -> None:
    assert forwarder.stdout
    if forwarder.stdout.readline() != READY:
        raise NetworkFailed(f"the forwarder did not start: {(folder / LOG).read_text()}")


def end(forwarder: subprocess.Popen[bytes], folder: Path) -> None:
    assert forwarder.stdin
    forwarder.stdin.close()
    if forwarder.wait(END_SECONDS):
        raise NetworkFailed(f"the forwarder failed: {(folder / LOG).read_text()}")


def mark(folder: Path) -> str:
    """Of the forwarder, which is not one of the supervised."""
    return str(folder / PLAN)


def clear_left(folder: Path) -> None:
    """What the last network of that folder left."""
    plan = read_plan(folder)
    if plan is not None:
        clear(plan, folder)


def clear(plan: Plan, folder: Path) -> None:
    """What an earlier one left that was killed."""
    for process_id in strays.marked_with(mark(folder)):
        os.kill(process_id, signal.SIGKILL)
    wait_until(
        lambda: "a forwarder is left" if strays.marked_with(mark(folder)) else None, deadline_seconds=END_SECONDS
    )
    namespaces.clear(plan.prefix)
