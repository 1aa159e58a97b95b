"""A throw-away authority for one laboratory, and a certificate of each region's hub for the region's address.

The authority's key is never written: it vouches for these hubs and for nothing else, ever. A region that comes later
has an authority of its own, trusted beside the first. Hubs show their certificates to clients and to each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import trustme

from broker.credentials.private_files import write_private
from lab.laboratory import Laboratory
from lab.regions import Region

LOCAL_NAME = "localhost"
"""Node.js compares the certificate of a server that it knows by its address alone with this name."""


@dataclass(frozen=True, slots=True)
class Certificate:
    chain: Path
    key: Path


def authority(laboratory: Laboratory) -> Path:
    """What clients trust."""
    return laboratory.credentials / "ca.pem"


def certificate(laboratory: Laboratory, region: Region) -> Certificate:
    folder = laboratory.credentials / "hubs"
    return Certificate(folder / f"{region.name}-{region.address}.pem", folder / f"{region.name}-{region.address}.key")


def ensure(laboratory: Laboratory) -> None:
    """What is there stays, so that those who were given the authority's certificate can go on trusting it."""
    trusted = authority(laboratory).read_text() if authority(laboratory).exists() else ""
    wanted = {region: certificate(laboratory, region) for region in laboratory.regions}
    missing = [region for region, each in wanted.items() if not (trusted and each.chain.exists() and each.key.exists())]
    if not missing:
        return
    maker = trustme.CA(organization_name="Local Group laboratory")
    for region in missing:
        issue(maker, wanted[region], region.address)
    write_private(authority(laboratory), trusted + maker.cert_pem.bytes().decode())


def issue(maker: trustme.CA, target: Certificate, address: str) -> None:
    target.chain.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = maker.issue_cert(address, LOCAL_NAME)
    write_private(target.key, made.private_key_pem.bytes().decode())
    write_private(target.chain, "".join(part.bytes().decode() for part in made.cert_chain_pems))
