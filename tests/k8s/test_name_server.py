"""A real name server takes what the manifests give it, and answers with what the team declares."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rdatatype

from lab.regions import DNS
from tests.image.processes import running
from tests.k8s.objects import containers, pods
from tests.k8s.rendering import REGIONS, region_manifests, team
from tests.k8s.test_configuration import text_of

NAME_SERVER = "127.77.95.1"
CHECK_SECONDS = 60
POLL_SECONDS = 0.05


def test_a_real_name_server_answers_with_what_the_team_declares(tmp_path: Path) -> None:
    manifests, zone = region_manifests("west"), tmp_path / "pdns"
    (tmp_path / "regions.toml").write_text(text_of(manifests, "regions.toml"))
    pod = next(each for each in pods(manifests) if each.name == "names")
    render, _, server = containers(pod)
    own = {"/etc/names": str(tmp_path), "/run/pdns": str(zone), "$(LOCALGROUP_REGION)": "west", "0.0.0.0": NAME_SERVER}
    subprocess.run([sys.executable, "-m", *_with(own, render["command"])], check=True, timeout=CHECK_SECONDS)
    with running(_with(own, server["command"]), tmp_path / "pdns.log") as process:
        for region in REGIONS:
            assert address(f"{region}.example.org", process) == team()[f"{region}.users"]


def _with(own: Mapping[str, str], command: Sequence[str]) -> list[str]:
    found = list(command)
    for old, new in own.items():
        found = [each.replace(old, new) for each in found]
    return found


def address(name: str, process: subprocess.Popen[bytes]) -> str:
    """Of one region, whatever its health: nobody watches here."""
    question = dns.message.make_query(name, dns.rdatatype.A)
    deadline = time.monotonic() + CHECK_SECONDS
    while True:
        assert process.poll() is None
        assert time.monotonic() < deadline
        try:
            answer = dns.query.udp(question, NAME_SERVER, port=DNS, timeout=1)
        except (dns.exception.DNSException, OSError):
            time.sleep(POLL_SECONDS)
            continue
        (record,) = (record for records in answer.answer for record in records)
        return str(record.to_text())
