"""How a node proves to a NATS server who it is. Secrets never appear in what is printed or logged of these.

With NKeys and JWTs the secret stays here: the server sends a nonce, and gets it back signed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from broker.nats import nkey
from schema.errors import Invalid

JWT, SEED = "NATS USER JWT", "USER NKEY SEED"
SECTION = "-----BEGIN "


class Credentials(Protocol):
    def answer(self, nonce: str) -> Mapping[str, str]:
        """Options of CONNECT. Raises `Invalid` if these credentials are of no use."""
        ...


@dataclass(frozen=True, slots=True)
class Anonymous:
    def answer(self, nonce: str) -> Mapping[str, str]:
        return {}


@dataclass(frozen=True, slots=True)
class UserAndPassword:
    user: str
    password: str = field(repr=False)

    def answer(self, nonce: str) -> Mapping[str, str]:
        return {"user": self.user, "pass": self.password}


@dataclass(frozen=True, slots=True)
class Token:
    token: str = field(repr=False)

    def answer(self, nonce: str) -> Mapping[str, str]:
        return {"auth_token": self.token}


@dataclass(frozen=True, slots=True)
class NKey:
    seed: str = field(repr=False)

    def answer(self, nonce: str) -> Mapping[str, str]:
        pair = nkey.read_seed(self.seed)
        return {"nkey": pair.public, "sig": pair.signature(nonce)}


@dataclass(frozen=True, slots=True)
class CredentialsFile:
    """A JWT and its seed, as `nsc` writes them, or a seed alone. Read for each connection, because they are renewed
    under way."""

    path: Path

    def answer(self, nonce: str) -> Mapping[str, str]:
        try:
            text = self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Invalid(f"{self.path} cannot be read: {error}") from error
        if SECTION not in text:
            return NKey(text).answer(nonce)
        jwt, seed = _section(text, JWT), _section(text, SEED)
        if jwt is None or seed is None:
            raise Invalid(f"{self.path} does not hold a JWT and a seed")
        return {"jwt": jwt, "sig": nkey.read_seed(seed).signature(nonce)}


def _section(text: str, title: str) -> str | None:
    found = re.search(rf"-----BEGIN {title}-----\s+(\S+)\s+-+END {title}-+", text)
    return found and found[1]
