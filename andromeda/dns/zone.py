"""From the declaration to what a name server reads at its start: the zone, and the declaration in Lua."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from andromeda.dns import lua
from andromeda.dns.declaration import APEX, Declaration, IPNetwork

REFRESH_SECONDS, RETRY_SECONDS, EXPIRE_SECONDS = 3_600, 600, 604_800
"""For secondaries, of which there are none: every region has the whole zone on its own disk."""
SERVER_TTL_SECONDS = 300
"""Of the name servers' own names, which change by hand."""
SCRIPT = "answer.lua"


def zone(declaration: Declaration, folder: Path, serial: int) -> str:
    """A zone file. `folder` is where the name server finds its script and what that reads."""
    return "\n".join([*_head(declaration, serial), *_servers(declaration), *_names(declaration, folder), ""])


def _head(declaration: Declaration, serial: int) -> Iterator[str]:
    times = (REFRESH_SECONDS, RETRY_SECONDS, EXPIRE_SECONDS, declaration.negative_ttl_seconds)
    first = next(iter(declaration.regions))
    yield f"$ORIGIN {declaration.zone}."
    yield f"$TTL {declaration.ttl_seconds}"
    yield f"@ IN SOA ns-{first} {declaration.soa_contact}. {serial} {' '.join(map(str, times))}"


def _servers(declaration: Declaration) -> Iterator[str]:
    for name in declaration.regions:
        yield f"@ {SERVER_TTL_SECONDS} IN NS ns-{name}"
    for name, region in declaration.regions.items():
        for address in region.name_server_addresses:
            yield f"ns-{name} {SERVER_TTL_SECONDS} IN {_record_type(address.version)} {address}"


def _names(declaration: Declaration, folder: Path) -> Iterator[str]:
    for host in declaration.hosts:
        for family in declaration.families:
            yield f'{host} IN LUA {family} "{script(folder, family)}"'
    for name, region in declaration.regions.items():
        for address in region.addresses:
            yield f"{name} IN {_record_type(address.version)} {address}"


def script(folder: Path, family: str) -> str:
    """Loads what answers once, and asks it."""
    load = f"if not localgroup then assert(loadfile(folder..'/{SCRIPT}'))(folder) end"
    return f";local folder='{folder}' {load} return localgroup('{family}')"


def declared(declaration: Declaration) -> str:
    """What `answer.lua` reads as declared.lua."""
    regions = declaration.regions
    return lua.chunk(
        {
            "regions": list(regions),
            "weights": {name: region.weight for name, region in regions.items()},
            "answers": declaration.answers,
            "explore": declaration.explore,
            "networks": {"ipv4": _networks(declaration, 4), "ipv6": _networks(declaration, 6)},
            "addresses": {
                family: [str(each) for region in regions.values() for each in region.addresses_of(family)]
                for family in declaration.families
            },
            "probe": probe_url(declaration),
        }
    )


def probe_url(declaration: Declaration) -> str:
    """As PowerDNS' own checks want it: by name, which it looks up for nobody."""
    health = declaration.health
    return f"{health.scheme}://{host_name(declaration)}:{health.port}{health.path}"


def host_name(declaration: Declaration) -> str:
    """The first of the names that stand for all regions."""
    host = declaration.hosts[0]
    return declaration.zone if host == APEX else f"{host}.{declaration.zone}"


def _networks(declaration: Declaration, version: int) -> Sequence[lua.Value]:
    """By prefix length, the longest first."""
    by_bits: dict[int, dict[str, lua.Value]] = defaultdict(dict)
    for name, network in _declared_networks(declaration):
        if network.version == version:
            by_bits[network.prefixlen][str(network.network_address)] = name
    return [{"bits": bits, "regions": by_bits[bits]} for bits in sorted(by_bits, reverse=True)]


def _declared_networks(declaration: Declaration) -> Iterator[tuple[str, IPNetwork]]:
    for name, region in declaration.regions.items():
        yield from ((name, network) for network in region.networks)


def _record_type(version: int) -> str:
    return "A" if version == 4 else "AAAA"
