"""The laboratory's network on this machine's kernel: real namespaces, real packets."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from lab import strays
from lab.readiness import wait_until
from lab.wan import namespaces, network, pings
from lab.wan.forwarder import OWN_NS
from lab.wan.link import LinkSettings
from lab.wan.network import Network, opened, planned
from lab.wan.pings import RoundTrips
from lab.wan.sites import HOME, OneWay, Plan

NUMBERS = {"near": 1, "middle": 2, "far": 3}
RTTS_MS = {("near", "middle"): 2.0, ("near", "far"): 40.0, ("middle", "far"): 120.0}
LATE_MS_MAX = 5.0
"""Of the quickest of ten echoes, on a machine that does other things as well."""
EARLY_MS_MAX = 2 * OWN_NS / 1_000_000
"""What the forwarder takes off for its own work, there and back, on a machine where that takes no time at all."""
PORTS = (4_222, 7_222)
CONNECT_SECONDS = 0.5
CLEARED_SECONDS = 20

pytestmark = pytest.mark.servers


def plan_of(name: str, third: str, folder: Path) -> Plan:
    links = [
        OneWay(source=source, target=target, settings=LinkSettings(delay_ms=rtt_ms / 2))
        for (here, there), rtt_ms in RTTS_MS.items()
        for source, target in ((here, there), (there, here))
    ]
    return planned(name, NUMBERS, links, network=f"10.{third}", folder=folder, seed=1)


@pytest.fixture(scope="module")
def opened_network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    folder = tmp_path_factory.mktemp("network")
    with opened(plan_of("trial1", "81", folder), folder) as found:
        yield found


@pytest.fixture
def wan(opened_network: Network) -> Iterator[Network]:
    """With its links as they were at the start."""
    yield opened_network
    opened_network.links.heal_all()
    for (here, there), rtt_ms in RTTS_MS.items():
        opened_network.links.change(here, there, delay_ms=rtt_ms / 2, loss=0.0)


def measured(wan: Network) -> Mapping[tuple[str, str], RoundTrips]:
    return pings.measure(wan.plan.sites)


def back(found: Mapping[tuple[str, str], RoundTrips]) -> dict[tuple[str, str], bool]:
    return {pair: times.back > 0 for pair, times in found.items()}


@contextmanager
def listening(wan: Network, site: str) -> Iterator[None]:
    """At both ports."""
    with ExitStack() as stack:
        for port in PORTS:
            with namespaces.entered(wan.site(site).namespace):
                server = stack.enter_context(socket.socket())
            server.bind((wan.site(site).address, port))
            server.listen()
        yield


def connects(wan: Network, source: str, target: str, port: int) -> bool:
    with namespaces.entered(wan.site(source).namespace):
        client = socket.socket()
    with client:
        client.settimeout(CONNECT_SECONDS)
        return client.connect_ex((wan.site(target).address, port)) == 0


def test_a_round_trip_takes_what_its_links_say(wan: Network) -> None:
    found = measured(wan)

    for (here, there), rtt_ms in RTTS_MS.items():
        for pair in ((here, there), (there, here)):
            assert found[pair].back == found[pair].sent
            assert rtt_ms - EARLY_MS_MAX <= (found[pair].least_ms or 0) <= rtt_ms + LATE_MS_MAX


def test_a_delay_changes_while_packets_flow(wan: Network) -> None:
    wan.links.change("near", "far", delay_ms=30)

    assert (measured(wan)["near", "far"].least_ms or 0) >= 60 - EARLY_MS_MAX


def test_the_forwarder_tells_what_delay_it_achieved(wan: Network) -> None:
    wan.links.report(begin=True)
    measured(wan)

    report = wan.links.report()

    for link in report.links:
        assert link.carried.packets > 0
        assert (link.carried.delay_ms or 0) >= link.settings.delay_ms
    assert report.process_id == wan.forwarder.pid
    assert 0 < report.cpu_seconds < report.clock_seconds


def test_a_one_way_cut_leaves_the_other_way_alone(wan: Network) -> None:
    wan.links.report(begin=True)
    wan.links.cut_one_way("near", "far")

    found = back(measured(wan))

    assert not found["near", "far"]
    assert not found["far", "near"]  # the answers are cut
    assert found["near", "middle"]
    carried = {(link.source, link.target): link.carried for link in wan.links.report().links}
    assert carried["near", "far"].packets == 0
    assert carried["far", "near"].packets == 10


def test_a_region_that_is_cut_off_is_seen_from_home_alone(wan: Network) -> None:
    wan.links.cut_off("far")

    found = back(measured(wan))

    assert {pair for pair, arrived in found.items() if not arrived} == {
        ("near", "far"),
        ("far", "near"),
        ("middle", "far"),
        ("far", "middle"),
    }
    wan.links.rejoin("far")
    assert all(back(measured(wan)).values())


def test_a_single_port_is_cut(wan: Network) -> None:
    wan.links.cut_port("near", "middle", 7_222)

    with listening(wan, "middle"):
        assert connects(wan, "near", "middle", 4_222)
        assert not connects(wan, "near", "middle", 7_222)
        assert connects(wan, "far", "middle", 7_222)
        wan.links.heal("near", "middle")
        assert connects(wan, "near", "middle", 7_222)


def test_everything_is_lost_on_a_link_that_loses_everything(wan: Network) -> None:
    wan.links.change_one_way("middle", "near", loss=1.0)

    assert not back(measured(wan))["near", "middle"]


def test_this_machine_reaches_every_site(wan: Network) -> None:
    with listening(wan, "far"), socket.create_connection((wan.site("far").address, 4_222), timeout=5) as found:
        assert found.getsockname()[0] == wan.site(HOME).address


def test_a_command_runs_at_a_site(wan: Network) -> None:
    say = "import socket; s = socket.socket(); s.bind(('10.81.2.1', 0)); print(s.getsockname()[0])"

    done = subprocess.run(wan.enter("middle", sys.executable, "-c", say), capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "10.81.2.1"


def test_a_process_of_a_test_ends_with_it(wan: Network) -> None:
    with wan.process("near", "sleep", "1000") as process:
        wait_until(
            lambda: None if process.pid in namespaces.processes_in(wan.site("near").namespace) else "not there",
            deadline_seconds=10,
        )

    assert process.returncode == -signal.SIGTERM


class TestAfterACrash:
    OPEN = """
import sys, time
from pathlib import Path
from tests.lab.wan.test_network import plan_of
from lab.wan.network import opened

folder = Path(sys.argv[1])
with opened(plan_of("trial2", "82", folder), folder) as network, network.process("far", "sleep", "1000"):
    print(network.forwarder.pid, flush=True)
    time.sleep(1000)
"""

    @pytest.fixture
    def crashing(self, tmp_path: Path) -> Iterator[tuple[Plan, subprocess.Popen[str], int]]:
        """A program with a network of its own, and its forwarder."""
        command = [sys.executable, "-c", self.OPEN, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
            assert program.stdout
            yield plan_of("trial2", "82", tmp_path), program, int(program.stdout.readline())
            program.kill()
        network.clear(plan_of("trial2", "82", tmp_path), tmp_path)

    def test_nothing_is_left_of_a_network_whose_owner_was_killed(
        self, crashing: tuple[Plan, subprocess.Popen[str], int], tmp_path: Path
    ) -> None:
        plan, program, _ = crashing
        assert len(namespaces.left(plan.prefix)) == 3

        program.kill()

        wait_until(lambda: left(plan, tmp_path), deadline_seconds=CLEARED_SECONDS)
        assert plan.sites[0].everywhere not in namespaces.ip("route")

    def test_what_a_killed_forwarder_left_is_cleared_by_the_next(
        self, crashing: tuple[Plan, subprocess.Popen[str], int], tmp_path: Path
    ) -> None:
        plan, program, forwarder = crashing
        os.kill(forwarder, signal.SIGKILL)
        program.kill()
        assert len(namespaces.left(plan.prefix)) == 3

        with opened(plan, tmp_path) as again:
            assert all(back(measured(again)).values())

        assert left(plan, tmp_path) is None

    def test_packets_for_a_network_that_lost_its_forwarder_go_nowhere(
        self, crashing: tuple[Plan, subprocess.Popen[str], int]
    ) -> None:
        plan, _, forwarder = crashing
        os.kill(forwarder, signal.SIGKILL)
        wait_until(
            lambda: "still there" if "wan-trial2" in namespaces.ip("link") else None, deadline_seconds=CLEARED_SECONDS
        )

        with pytest.raises(OSError) as refused:
            socket.create_connection((plan.sites[0].address, 4_222), timeout=1)
        assert refused.value.errno == errno.EHOSTUNREACH


def left(plan: Plan, folder: Path) -> str | None:
    if strays.marked_with(network.mark(folder)):
        return "the forwarder is left"
    return "namespaces are left" if namespaces.left(plan.prefix) else None
