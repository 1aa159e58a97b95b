"""Nothing is left of regions whose owner was killed: no process, no namespace, no device."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import down
from lab.laboratory import Laboratory, remembered
from lab.readiness import wait_until
from lab.strays import strays
from lab.trial import state_of
from lab.wan import namespaces
from lab.wan.network import prefix_of

NAME, NETWORK = "crash", "10.83"
GONE_SECONDS = 60

OWNER = f"""
import sys, time
from lab.trial import wan_trial
from lab.wan.territory import of_cities

with wan_trial(of_cities(2, name={NAME!r}, network={NETWORK!r}), embedded=True, with_tiers=False) as trial:
    print(trial.laboratory.state, flush=True)
    time.sleep(1000)
"""

pytestmark = pytest.mark.servers


@pytest.fixture
def owner() -> Iterator[tuple[subprocess.Popen[str], Laboratory]]:
    """A program whose regions are up."""
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        for line in program.stdout:  # what it says of its steps comes before
            if line.strip() == str(state_of(f"{NETWORK}-{NAME}")):
                break
        laboratory = remembered(state_of(f"{NETWORK}-{NAME}"))
        assert laboratory is not None
        assert len(namespaces.left(prefix_of(NAME))) == 2
        yield program, laboratory
        program.kill()
    down.stop(laboratory)


def what_is_left(laboratory: Laboratory) -> str | None:
    if found := strays(laboratory):
        return f"processes are left: {found}"
    if names := namespaces.left(prefix_of(NAME)):
        return f"namespaces are left: {names}"
    return "a device is left" if f"wan-{NAME}" in namespaces.ip("link") else None


def test_nothing_is_left_when_the_owner_was_killed(owner: tuple[subprocess.Popen[str], Laboratory]) -> None:
    program, laboratory = owner
    program.kill()

    wait_until(lambda: what_is_left(laboratory), deadline_seconds=GONE_SECONDS)


def test_nothing_is_left_when_supervision_was_killed_with_it(
    owner: tuple[subprocess.Popen[str], Laboratory],
) -> None:
    program, laboratory = owner
    os.kill(int(Path(laboratory.state / "supervisord.pid").read_text()), signal.SIGKILL)
    program.kill()

    wait_until(lambda: what_is_left(laboratory), deadline_seconds=GONE_SECONDS)
