"""Whole regions that are apart, and everything that they can be made to suffer."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import httpx
import pytest

from broker.injected_faults import ServiceFaults
from lab.faults import Faults, Unobeyed
from lab.readiness import wait_until
from lab.regions import NATS_GATEWAY
from lab.supervisor import Supervisor
from lab.trial import Trial
from lab.wan import validity

COMMAND_SECONDS = 60
ANSWER_SECONDS = 20
MESSIERS = ("messier-near-1", "messier-middle-1", "messier-far-1")

pytestmark = pytest.mark.servers


@pytest.fixture
def faults(regions_apart: Trial) -> Iterator[Faults]:
    """Whatever a test did is taken back."""
    found = Faults(regions_apart.laboratory)
    yield found
    found.heal()


@pytest.fixture
def fault(regions_apart: Trial) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "lab", "fault", *arguments],
            env=os.environ | {"LOCALGROUP_STATE": str(regions_apart.laboratory.state)},
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )

    return run


NEVER_ASKED = count(1)


def search(trial: Trial, region: str = "near") -> tuple[int, float]:
    """Status and seconds of something that no cache has."""
    url = f"{trial.region(region).public_url}/slugsurvival/data/search"
    began = time.monotonic()
    answer = httpx.get(url, params={"q": f"anything{next(NEVER_ASKED)}"}, timeout=ANSWER_SECONDS)
    return answer.status_code, time.monotonic() - began


def state_of(process_id: int) -> str:
    return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]


def test_every_region_serves_what_one_has_loaded(regions_apart: Trial) -> None:
    for region in regions_apart.regions:
        answer = httpx.get(f"{region.public_url}/slugsurvival/data/fetch/terms", timeout=ANSWER_SECONDS)
        assert answer.status_code == 200
        assert answer.headers["X-Served-By"] == f"andromeda-{region.name}-1"


def test_a_command_runs_where_a_region_is(regions_apart: Trial) -> None:
    region = regions_apart.region("far")
    say = f"import socket; s = socket.socket(); s.bind(({region.address!r}, 0)); print(s.getsockname()[0])"

    done = subprocess.run(regions_apart.enter(region, sys.executable, "-c", say), capture_output=True, text=True)

    assert done.stdout.strip() == region.address


def test_a_run_is_judged_by_the_forwarders_own_account(regions_apart: Trial) -> None:
    before = regions_apart.links.report()
    for region in regions_apart.regions:
        search(regions_apart, region.name)
    after = regions_apart.links.report()

    verdict = validity.judge({"forwarder": before.used}, {"forwarder": after.used})

    assert verdict.shares["forwarder"] > 0


def test_a_slow_service_takes_that_much_longer_until_it_is_cured(faults: Faults, regions_apart: Trial) -> None:
    faults.slow(*MESSIERS, work_ms=1_000)
    status, seconds = search(regions_apart)
    assert status == 200
    assert seconds >= 1

    faults.cure(*MESSIERS)

    assert min(search(regions_apart)[1] for _ in range(5)) < 1


def test_a_service_that_fails_fast_fails_those_who_ask(faults: Faults, regions_apart: Trial) -> None:
    faults.fail_fast(*MESSIERS, code="internal")

    assert search(regions_apart)[0] == 500


def test_a_region_serves_on_while_its_own_service_answers_nothing(faults: Faults, regions_apart: Trial) -> None:
    faults.black_hole("messier-near-1")

    assert [search(regions_apart)[0] for _ in range(3)] == [200, 200, 200]


def test_faults_of_a_service_add_up(faults: Faults) -> None:
    faults.slow("messier-near-1", work_ms=40)
    faults.limit("near", concurrency=4)

    assert faults.told("messier-near-1") == ServiceFaults(work_milliseconds=40, concurrency=4)
    assert faults.told("whirlpool-near-1") == ServiceFaults(concurrency=4)
    assert faults.told("messier-far-1") == ServiceFaults()


def test_a_paused_process_stands_still_until_it_is_resumed(faults: Faults, regions_apart: Trial) -> None:
    process_id = regions_apart.process_id("whirlpool-far-1")

    faults.pause("whirlpool-far-1")
    wait_until(lambda: None if state_of(process_id) == "T" else "it runs", deadline_seconds=5)
    faults.resume("whirlpool-far-1")

    wait_until(lambda: None if state_of(process_id) != "T" else "it stands still", deadline_seconds=5)


def test_a_killed_process_is_started_again(faults: Faults, regions_apart: Trial) -> None:
    before = regions_apart.process_id("messier-middle-1")

    faults.kill("messier-middle-1")

    wait_until(
        lambda: None if regions_apart.process_id("messier-middle-1") not in (0, before) else "not yet",
        deadline_seconds=20,
    )


def test_what_is_killed_for_good_stays_down_and_others_answer(faults: Faults, regions_apart: Trial) -> None:
    faults.kill_for_good("messier-near-1", "whirlpool-near-1")

    processes = Supervisor(regions_apart.laboratory).processes()
    assert [processes[name].ended for name in ("messier-near-1", "whirlpool-near-1")] == [True, True]
    assert search(regions_apart)[0] == 200


def test_the_network_comes_back_when_its_forwarder_was_killed(faults: Faults, regions_apart: Trial) -> None:
    faults.kill("network")
    faults.heal()

    assert search(regions_apart, "far")[0] == 200


def test_who_serves_no_actions_says_that_it_obeys_no_faults(faults: Faults) -> None:
    with pytest.raises(Unobeyed, match="serves actions"):
        faults.slow("andromeda-near-1", work_ms=1)
    with pytest.raises(Unobeyed, match="nothing here is called"):
        faults.kill("messier-nowhere-1")


class TestTheCommand:
    def test_tells_services(self, fault: Callable[..., subprocess.CompletedProcess[str]], faults: Faults) -> None:
        for arguments in (
            ("slow", "messier-near-1", "--by", "20"),
            ("limit", "messier-near-1", "--to", "3"),
            ("fail-fast", "messier-far-1", "--code", "unavailable"),
        ):
            done = fault(*arguments)
            assert done.returncode == 0, done.stderr

        assert faults.told("messier-near-1") == ServiceFaults(work_milliseconds=20, concurrency=3)
        assert faults.told("messier-far-1") == ServiceFaults(fail="unavailable")

    def test_cuts_and_delays_links(
        self, fault: Callable[..., subprocess.CompletedProcess[str]], faults: Faults
    ) -> None:
        assert fault("cut", "near", "far", "--port", str(NATS_GATEWAY)).returncode == 0
        assert fault("delay", "near", "middle", "1", "--loss", "0.01", "--one-way").returncode == 0

        now = {(link.source, link.target): link.settings for link in faults.links.report().links}
        assert now["far", "near"].cut_ports == {NATS_GATEWAY}
        assert (now["near", "middle"].loss, now["middle", "near"].loss) == (0.01, 0.0)
        faults.links.change("near", "middle", loss=0.0)

    def test_says_in_one_line_what_it_cannot_do(self, fault: Callable[..., subprocess.CompletedProcess[str]]) -> None:
        for arguments in (
            ("kill", "messier-nowhere-1"),
            ("cut", "near", "nowhere"),
            ("fail-fast", "near", "--code", "x"),
        ):
            done = fault(*arguments)
            assert done.returncode == 1
            assert "Traceback" not in done.stderr
