"""The Secrets of regions that run in clusters: made once, in a folder that its owner keeps, and handed to each cluster.

    <folder>/<region>.yaml     everything that `k8s/` refers to and does not hold
    <folder>/credentials/      what they are made of: whoever has it can let anybody in
    <folder>/authority.*       signs the certificates of hubs and databases, in every region

Making them again adds what is missing, for a region that came later, and changes nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import trustme

from broker.credentials.private_files import write_private
from lab import credentials
from lab.laboratory import DATABASE, DATABASE_USER, Laboratory
from lab.regions import SQL, Region, regions_of
from lab.roles import TOOL

NAMESPACE = "localgroup"
DATABASE_HOST = "galera"
"""The Service of a region's own member; docs/kubernetes.md says what else it may be."""

Secrets: TypeAlias = Mapping[str, Mapping[str, str]]
"""By name, what each holds by key."""


def write(folder: Path, names: tuple[str, ...]) -> Iterator[Path]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    laboratory = Laboratory(folder, regions_of(names=names), embedded=False)
    credentials.ensure_users(laboratory)
    shared = {**_authority(folder), **_trust(laboratory), **_database(laboratory)}
    for region in laboratory.regions:
        path = folder / f"{region.name}.yaml"
        write_private(path, _manifests({**shared, **_members(laboratory, region)}))
        yield path


def _authority(folder: Path) -> Secrets:
    certificate, key = folder / "authority.crt", folder / "authority.key"
    if not key.exists():
        made = trustme.CA(organization_name="Local Group")
        write_private(certificate, made.cert_pem.bytes().decode())
        write_private(key, made.private_key_pem.bytes().decode())
    return {"mesh-authority": {"tls.crt": certificate.read_text(), "tls.key": key.read_text()}}


def _trust(laboratory: Laboratory) -> Secrets:
    """Not secret; but what a hub believes is nobody's to change."""
    path = laboratory.credentials / "trust.conf"
    write_private(path, json.dumps(credentials.hub_settings(laboratory), indent=2) + "\n")
    return {"nats-trust": {"trust.conf": path.read_text()}}


def _database(laboratory: Laboratory) -> Secrets:
    """The cluster replicates its users, so that all regions have one password."""
    password = laboratory.password()
    url = f"mysql://{DATABASE_USER}:{password}@{DATABASE_HOST}:{SQL}/{DATABASE}"
    return {"database": {"password": password, "url": url}}


def _members(laboratory: Laboratory, region: Region) -> Secrets:
    roles = (*credentials.PER_REGION, TOOL)
    users = {role: credentials.user_file(laboratory, credentials.user_of(role, region)) for role in roles}
    return {f"{role}-credentials": {"mesh.creds": path.read_text()} for role, path in users.items()}


def _manifests(secrets: Secrets) -> str:
    """YAML, of which JSON is a part."""
    return "".join(f"---\n{json.dumps(_secret(name, held), indent=2)}\n" for name, held in secrets.items())


def _secret(name: str, held: Mapping[str, str]) -> dict[str, Any]:
    kind = "kubernetes.io/tls" if "tls.key" in held else "Opaque"
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "stringData": dict(held)}
