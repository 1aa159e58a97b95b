"""One PowerDNS a region, and the watcher beside it: what they are told, how they are started, what they answer."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import stat
import sys
import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

from andromeda.dns import declaration, powerdns
from lab import tiers
from lab.laboratory import Laboratory
from lab.regions import DNS, HTTP, Region

SERVER = "pdns_server"
BACKENDS = (Path("/usr/lib"), "*/pdns/libbindbackend.so")
USER = "pdns"
"""As the package makes it; a name server has no business with root's rights."""
ZONE = "localgroup.test"
NAME = f"www.{ZONE}"
ANSWER_SECONDS = 1.0
NONE_HERE = "no DNS: pdns-server and pdns-backend-bind are not installed, which takes root and apt"
TAKEN = f"no DNS: another program listens at UDP port {DNS} of every address, as multicast DNS does on desktops"


def installed() -> bool:
    folder, pattern = BACKENDS
    return bool(shutil.which(SERVER) and any(folder.glob(pattern)))


def why_none() -> str | None:
    """Why no region of this machine can have a name server, in a line for people."""
    if not installed():
        return NONE_HERE
    return TAKEN if held_everywhere() else None


def held_everywhere() -> bool:
    """Tried at an address of this process alone, where only who listens at every one can be found."""
    number = os.getpid()
    with socket.socket(type=socket.SOCK_DGRAM) as attempt:
        try:
            attempt.bind((f"127.255.{number // 250 % 250 + 1}.{number % 250 + 1}", DNS))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def declared(laboratory: Laboratory) -> str:
    """The laboratory's regions as a declaration; whoever asks from a region's own network is near to it."""
    return "\n".join([f'zone = "{ZONE}"', "[health]", f"port = {HTTP}", *_regions(laboratory), ""])


def _regions(laboratory: Laboratory) -> Iterator[str]:
    for region in laboratory.regions:
        yield f"[regions.{region.name}]"
        yield f'addresses = ["{region.address}"]'
        yield f'networks = ["{ip_network(f"{region.address}/24", strict=False)}"]'


def write_configuration(laboratory: Laboratory) -> None:
    text = declared(laboratory)
    laboratory.dns_declaration.parent.mkdir(parents=True, exist_ok=True)
    laboratory.dns_declaration.write_text(text, encoding="utf-8")
    user = USER if os.geteuid() == 0 and open_to_others(laboratory.dns_declaration.parent) else ""
    for region in laboratory.regions:
        folder = laboratory.dns_folder(region)
        powerdns.write(folder, declaration.parse(text), region.name, port=DNS, serial=int(time.time()), user=user)
        if user:
            shutil.chown(folder, user)


def open_to_others(folder: Path) -> bool:
    """Whether another user gets there. Below somebody's home he does not, and the server then stays who it is."""
    return all(path.stat().st_mode & stat.S_IXOTH for path in (folder, *folder.parents))


def command(laboratory: Laboratory, region: Region) -> list[str]:
    return [SERVER, f"--config-dir={laboratory.dns_folder(region)}"]


def watcher_command() -> list[str]:
    return [sys.executable, "-m", "andromeda", "dns", "watch"]


def watcher_environment(laboratory: Laboratory, region: Region, server: str) -> dict[str, str]:
    return tiers.common_environment(laboratory, region, server) | {
        "LOCALGROUP_NODE": region.node(server),
        "LOCALGROUP_METRICS_ADDRESS": region.metrics_address(server),
        "LOCALGROUP_DNS_DECLARATION": str(laboratory.dns_declaration),
        "LOCALGROUP_DNS_FOLDER": str(laboratory.dns_folder(region)),
        "LOCALGROUP_DNS_SERVER": f"{region.address}:{DNS}",
    }


def answer(region: Region) -> list[str]:
    """The addresses that the region's name server answers with, the best first; none if it does not."""
    question = dns.message.make_query(NAME, dns.rdatatype.A)
    try:
        found = dns.query.udp(question, region.address, timeout=ANSWER_SECONDS, port=DNS)
    except (dns.exception.DNSException, OSError):
        return []
    if found.rcode() != dns.rcode.NOERROR:
        return []
    return [record.to_text() for records in found.answer for record in records]


def why_silent(region: Region) -> str | None:
    return None if answer(region) else f"names nobody for {NAME}"
