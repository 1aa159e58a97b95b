"""Who may join a laboratory's mesh: an account that the hubs know, and credentials for everything that runs here.

`credentials/` in the state folder is for its owner only:

    operator.seed          vouches for the account, whose permissions are written anew at each start
    roles/<role>.json      makes users of that role; `mesh credentials` uses the guests'
    users/<user>.creds     what a tier, a loader or a tool joins with
    ca.pem, hubs/          see certificates.py

The account has no key that anybody keeps: without one of its roles nobody gets in.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from broker import local_mesh
from broker.credentials.issuing import Issuer, read_issuer, write_issuer
from broker.credentials.permissions import permissions
from broker.credentials.private_files import write_private
from broker.nats import jwt as nats_jwt
from broker.nats import nkey
from broker.nats.jwt import Scope
from broker.nats.nkey import Kind, NKeyPair
from lab import certificates
from lab.laboratory import Laboratory
from lab.regions import Region
from lab.roles import GUEST, LOADER, NAMES, TOOL, roles

OPERATOR, ACCOUNT, SYSTEM = "localgroup", "mesh", "system"
PER_REGION = ("whirlpool", "messier", "andromeda", NAMES, LOADER)


def ensure(laboratory: Laboratory) -> None:
    """Everything that hubs, tiers and tools need to know each other. What is there stays."""
    ensure_users(laboratory)
    certificates.ensure(laboratory)
    local_mesh.tell(laboratory.state, tools_environment(laboratory))


def ensure_users(laboratory: Laboratory) -> None:
    """Who may join."""
    for folder in ("roles", "users"):
        (laboratory.credentials / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    laboratory.credentials.chmod(0o700)
    issuers = _issuers(laboratory)
    for role, user in _users(laboratory):
        if not user_file(laboratory, user).exists():
            made = issuers[role].credentials(user, now_seconds=_now_seconds())
            write_private(user_file(laboratory, user), made)


def user_file(laboratory: Laboratory, user: str) -> Path:
    return laboratory.credentials / "users" / f"{user}.creds"


def user_of(role: str, region: Region) -> str:
    """A tier's nodes have the user's name and a number; the others', the user's name, a dot and anything."""
    if role == TOOL:
        return TOOL
    return f"{LOADER}.{region.name}" if role == LOADER else f"{role}-{region.name}"


def environment(laboratory: Laboratory, region: Region, role: str) -> dict[str, str]:
    """How something of that role joins the mesh in that region."""
    others = [other.nats_url for other in laboratory.regions if other != region]
    return {
        local_mesh.URLS: ",".join([region.nats_url, *others]),
        local_mesh.TLS_CA: str(certificates.authority(laboratory)),
        local_mesh.CREDENTIALS: str(user_file(laboratory, user_of(role, region))),
    }


def tools_environment(laboratory: Laboratory) -> dict[str, str]:
    return environment(laboratory, laboratory.regions[0], TOOL) | {
        local_mesh.ISSUER: str(_role_file(laboratory, GUEST)),
    }


def hub_settings(laboratory: Laboratory) -> dict[str, object]:
    """How a hub tells who may join. None of it is secret."""
    operator, now_seconds = _operator(laboratory), _now_seconds()
    account, system = _account(laboratory, ACCOUNT), _account(laboratory, SYSTEM)
    return {
        "operator": nats_jwt.operator(operator, OPERATOR, system_account=system, now_seconds=now_seconds),
        "system_account": system,
        "resolver": "MEMORY",
        "resolver_preload": {
            account: nats_jwt.account(operator, account, ACCOUNT, _scopes(laboratory), now_seconds=now_seconds),
            system: nats_jwt.account(operator, system, SYSTEM, (), now_seconds=now_seconds),
        },
    }


def _users(laboratory: Laboratory) -> Iterator[tuple[str, str]]:
    """Roles and the names of their users. Guests are made when they come."""
    yield TOOL, TOOL
    for region in laboratory.regions:
        yield from ((role, user_of(role, region)) for role in PER_REGION)


def _scopes(laboratory: Laboratory) -> list[Scope]:
    known = roles([region.name for region in laboratory.regions])
    return [
        Scope(name, issuer.public, permissions(known[name], known)) for name, issuer in _issuers(laboratory).items()
    ]


def _issuers(laboratory: Laboratory) -> Mapping[str, Issuer]:
    """By role."""
    account = _account(laboratory, ACCOUNT)
    for path in (_role_file(laboratory, name) for name in roles(())):
        if not path.exists():
            write_issuer(path, Issuer(account, nkey.create(Kind.ACCOUNT)))
    return {name: read_issuer(_role_file(laboratory, name)) for name in roles(())}


def _role_file(laboratory: Laboratory, role: str) -> Path:
    return laboratory.credentials / "roles" / f"{role}.json"


def _operator(laboratory: Laboratory) -> NKeyPair:
    path = laboratory.credentials / "operator.seed"
    if not path.exists():
        write_private(path, nkey.create(Kind.OPERATOR).seed)
    return nkey.read_seed(path.read_text())


def _account(laboratory: Laboratory, name: str) -> str:
    """Its public key; the secret one is thrown away at once."""
    path = laboratory.credentials / f"{name}.account"
    if not path.exists():
        write_private(path, nkey.create(Kind.ACCOUNT).public)
    return path.read_text()


def _now_seconds() -> int:
    return int(time.time())
