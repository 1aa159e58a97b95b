"""The folder of one region's PowerDNS: its settings, its zone, and the script that answers. All on the local disk."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from andromeda.dns import zone
from andromeda.dns.declaration import Declaration
from broker.settings import Address

CONFIGURATION, BIND_CONFIGURATION, ZONE, DECLARED = "pdns.conf", "named.conf", "zone", "declared.lua"
STANDBY_CHECK_SECONDS = 2
"""Between two looks of PowerDNS' own at each address, for the time when nobody else looks."""


def write(folder: Path, declaration: Declaration, region: str, *, port: int, serial: int, user: str = "") -> None:
    """Everything that `pdns_server --config-dir=<folder>` needs. `user`: whom it becomes, if root starts it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files_of(folder, declaration, region, port=port, serial=serial, user=user).items():
        replace(folder / name, text)


def files_of(
    folder: Path, declaration: Declaration, region: str, *, port: int, serial: int, user: str = ""
) -> Mapping[str, str]:
    return {
        CONFIGURATION: configuration(folder, listening(declaration, region, port), user),
        BIND_CONFIGURATION: f'zone "{declaration.zone}" {{ type master; file "{folder / ZONE}"; }};\n',
        ZONE: zone.zone(declaration, folder, serial),
        DECLARED: zone.declared(declaration),
        zone.SCRIPT: (files("andromeda.dns") / zone.SCRIPT).read_text(encoding="utf-8"),
    }


def listening(declaration: Declaration, region: str, port: int) -> list[Address]:
    return [Address(str(address), port) for address in declaration.regions[region].name_server_addresses]


def configuration(folder: Path, addresses: list[Address], user: str = "") -> str:
    settings = {
        "launch": "bind",
        "bind-config": folder / BIND_CONFIGURATION,
        "local-address": ",".join(_listened(address) for address in addresses),
        "socket-dir": folder,
        # One state of the script a thread, kept between questions.
        "enable-lua-records": "shared",
        "lua-health-checks-interval": STANDBY_CHECK_SECONDS,
        # The client's network decides, also where a resolver asks for it.
        "edns-subnet-processing": "yes",
        # The best is first, and stays there.
        "no-shuffle": "yes",
        # An answer is of this moment.
        "cache-ttl": 0,
        "query-cache-ttl": 0,
        "negquery-cache-ttl": 0,
        # A laboratory's regions share a machine; one thread answers thousands of questions a second.
        "receiver-threads": 1,
        "distributor-threads": 1,
        "daemon": "no",
        "guardian": "no",
        "disable-syslog": "yes",
        "log-timestamp": "yes",
        "loglevel": 4,
        # It asks nobody on the internet whether it is up to date.
        "security-poll-suffix": "",
        "version-string": "anonymous",
        **({"setuid": user, "setgid": user} if user else {}),
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _listened(address: Address) -> str:
    return f"[{address.host}]:{address.port}" if ":" in address.host else str(address)


def replace(path: Path, text: str) -> None:
    """Whoever reads it sees the old or the new."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
