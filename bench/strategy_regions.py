"""The scoreboard's three regions with real processes: the WAN laboratory's namespaces, hubs, certificates and
credentials, nodes of ours in each region, and a place near the first for whoever calls.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from bench.mesh_pair import line_of
from bench.processes import end
from bench.strategy_load import Account, Began, LoadSettings, Order
from bench.strategy_maps import FAR, MIDDLE, NEAR, THREE_SECONDS
from bench.strategy_node import TIER
from bench.strategy_world import Mode, Size
from broker import compiled
from broker.credentials.private_files import write_private
from broker.injected_faults import ServiceFaults
from lab.faults import signal_to
from lab.install import REPOSITORY
from lab.supervisor import end_with_parent
from lab.trial import Trial, wan_trial
from lab.wan import validity
from lab.wan.namespaces import enter_command
from lab.wan.territory import of_round_trips
from lab.wan.validity import Used, Verdict

CALLER = "caller"
NAMES = (NEAR, MIDDLE, FAR)
ROUND_TRIPS_MS = {(CALLER, name): 1000 * seconds for name, seconds in THREE_SECONDS.items()} | {
    (NEAR, name): 1000 * (THREE_SECONDS[name] - THREE_SECONDS[NEAR]) for name in (MIDDLE, FAR)
}
"""A call goes through the hub of the near region, and the whole way is as long as in the model."""
ROUND_TRIPS_MS[MIDDLE, FAR] = ROUND_TRIPS_MS[NEAR, FAR]
TERRITORY = of_round_trips(NAMES, ROUND_TRIPS_MS, name="bench", network="10.76", places=(CALLER,))
READY_SECONDS = 40.0
SILENCE_SECONDS = 20.0
"""Beside the load's own duration."""
FAILING = {Mode.UNAVAILABLE: "unavailable", Mode.INTERNAL: "internal"}


@dataclass(frozen=True)
class Break:
    """What happens to a node, named as in the model, during a load."""

    node: str
    mode: Mode
    at_seconds: float


@dataclass(frozen=True)
class Nodes:
    """Real ones, in all regions of `trial`."""

    trial: Trial
    processes: Mapping[str, subprocess.Popen[bytes]]

    def load(self, order: Order, breaks: Break | None) -> tuple[Account, Verdict]:
        """One caller's, from beginning to end; afterwards every node is well again. Raises `Stuck`."""
        command = [sys.executable, "-m", "bench.strategy_load", order.model_dump_json()]
        with self._caller(command) as caller:
            line_of(caller, READY_SECONDS)
            before = self._used(caller)
            assert caller.stdin is not None
            caller.stdin.write("\n")
            caller.stdin.flush()
            began = Began.model_validate_json(line_of(caller, READY_SECONDS))
            with self._broken(breaks, began.at_seconds):
                account = Account.model_validate_json(line_of(caller, order.seconds + SILENCE_SECONDS))
            return account, validity.judge(before, self._used(caller))

    def _used(self, caller: subprocess.Popen[str]) -> dict[str, Used]:
        return {"caller": validity.used_by(caller.pid), "forwarder": self.trial.links.report().used}

    @contextmanager
    def _caller(self, command: list[str]) -> Iterator[subprocess.Popen[str]]:
        told = self.trial.mesh_environment(self.trial.region(NEAR), LoadSettings.tier)
        process = subprocess.Popen(
            [*enter_command(TERRITORY.namespace(CALLER)), *command],
            cwd=REPOSITORY,
            env=os.environ | told | {compiled.SWITCH: compiled.OFF},  # it notes attempts in a class of its own
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=end_with_parent,
        )
        try:
            yield process
        finally:
            end(process)
            process.communicate()

    @contextmanager
    def _broken(self, breaks: Break | None, began_at_seconds: float) -> Iterator[None]:
        if breaks is None:
            yield
            return
        time.sleep(max(0.0, began_at_seconds + breaks.at_seconds - time.monotonic()))
        process, told = self.processes[breaks.node], self.trial.laboratory.faults_of(f"{TIER}-{breaks.node}")
        if breaks.mode is Mode.SILENT:
            signal_to(process.pid, signal.SIGSTOP)
        else:
            told.parent.mkdir(exist_ok=True)
            write_private(told, ServiceFaults(fail=FAILING[breaks.mode]).model_dump_json())
        try:
            yield
        finally:
            told.unlink(missing_ok=True)
            signal_to(process.pid, signal.SIGCONT)


@contextmanager
def regions() -> Iterator[Trial]:
    """Three, with their hubs; apart from each other, and from who calls. Needs root."""
    with wan_trial(TERRITORY, embedded=True, with_tiers=False) as trial:
        yield trial


@contextmanager
def nodes(trial: Trial, sizes: Mapping[str, Size]) -> Iterator[Nodes]:
    """As many in each region as its size says."""
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for region, size in sizes.items():
            for number in range(1, size.nodes + 1):  # the hubs know no other
                processes[f"{region}-{number}"] = _node(trial, region, number, size)
        yield Nodes(trial, processes)
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            end(process)


def _node(trial: Trial, name: str, number: int, size: Size) -> subprocess.Popen[bytes]:
    region, node = trial.region(name), f"{TIER}-{name}-{number}"
    told = trial.mesh_environment(region, TIER) | {
        "LOCALGROUP_NODE": node,
        "LOCALGROUP_CONCURRENCY": str(size.concurrency),
        "LOCALGROUP_QUEUE_CAPACITY": str(size.queue_capacity),
        "LOCALGROUP_INJECTED_FAULTS": str(trial.laboratory.faults_of(node)),
        "LOCALGROUP_LOG_LEVEL": "error",
    }
    with (trial.laboratory.logs / f"{node}.log").open("ab") as log:
        return subprocess.Popen(
            trial.enter(region, sys.executable, "-m", "bench.strategy_node"),
            cwd=REPOSITORY,
            env=os.environ | told,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=end_with_parent,
        )
