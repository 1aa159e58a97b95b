"""JWTs of NATS: an operator vouches for an account, an account's keys for its users. Servers check, and keep no list.

Each role has a signing key of its account, and the account says what those whom that key signs may do. So a user's own
JWT holds no more than a name and tags, whoever has a role's key can make users of that role only, and what a role may
do is changed in one place. Source: the JWT specification of the NATS project, version 2.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from broker.credentials.permissions import Permissions
from broker.nats.nkey import NKeyPair

HEADER = {"typ": "JWT", "alg": "ed25519-nkey"}
VERSION = 2
UNLIMITED = -1
ACCOUNT_LIMITS = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), UNLIMITED)
USER_LIMITS = dict.fromkeys(("subs", "data", "payload"), UNLIMITED)
CONNECTIONS = ("STANDARD",)
"""No websockets, no leaf nodes."""
REPLY_SECONDS = 60
"""How long a message may be replied to by those who may only reply: as long as the micro door lets anybody wait."""
NANOSECONDS = 1_000_000_000


class Scope(NamedTuple):
    """What users signed by this key may do."""

    role: str
    key: str
    permissions: Permissions


def operator(pair: NKeyPair, name: str, *, system_account: str, now_seconds: int) -> str:
    claims = {"type": "operator", "system_account": system_account}
    return _signed(pair, pair.public, name, claims, now_seconds, None)


def account(issuer: NKeyPair, public: str, name: str, scopes: Sequence[Scope], *, now_seconds: int) -> str:
    claims = {"type": "account", "limits": ACCOUNT_LIMITS, "signing_keys": [_scope(scope) for scope in scopes]}
    return _signed(issuer, public, name, claims, now_seconds, None)


def user(
    issuer: NKeyPair,
    public: str,
    name: str,
    *,
    account: str,
    tags: Sequence[str] = (),
    now_seconds: int,
    expires_at_seconds: int | None = None,
) -> str:
    """`tags` are in lower case: servers make them so."""
    claims = {"type": "user", "issuer_account": account, "tags": [*tags]}
    return _signed(issuer, public, name, claims, now_seconds, expires_at_seconds)


def credentials(jwt: str, seed: str) -> str:
    """The text of a `.creds` file, as every NATS client reads it."""
    sections = {"NATS USER JWT": jwt, "USER NKEY SEED": seed}
    return "\n".join(f"-----BEGIN {title}-----\n{text}\n------END {title}------\n" for title, text in sections.items())


def _scope(scope: Scope) -> dict[str, Any]:
    allowed = scope.permissions
    template = {
        "pub": {"allow": allowed.publish, "deny": allowed.publish_never},
        "sub": {"allow": allowed.subscribe},
        "allowed_connection_types": CONNECTIONS,
        **USER_LIMITS,
    }
    if allowed.replies:
        template["resp"] = {"max": 1, "ttl": REPLY_SECONDS * NANOSECONDS}
    return {"kind": "user_scope", "key": scope.key, "role": scope.role, "template": template}


def _signed(
    issuer: NKeyPair,
    subject: str,
    name: str,
    claims: Mapping[str, Any],
    now_seconds: int,
    expires_at_seconds: int | None,
) -> str:
    body = {
        "iat": now_seconds,
        "iss": issuer.public,
        "sub": subject,
        "name": name,
        "nats": {**claims, "version": VERSION},
    }
    if expires_at_seconds is not None:
        body["exp"] = expires_at_seconds
    body["jti"] = base64.b32encode(hashlib.sha256(orjson.dumps(body)).digest()).rstrip(b"=").decode()
    text = f"{_part(HEADER)}.{_part(body)}"
    return f"{text}.{issuer.signature(text)}"


def _part(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()
