"""Making credentials for users of one role, by whoever holds that role's signing key. No server has to be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from broker.credentials.private_files import write_private
from broker.nats import jwt as nats_jwt
from broker.nats import nkey
from schema.errors import Invalid


class IssuerFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    account: Annotated[str, Field(pattern=r"^A[A-Z2-7]{55}$")]
    """The account's public key."""
    seed: Annotated[str, Field(repr=False)]
    """Of the role's signing key."""


@dataclass(frozen=True, slots=True)
class Issuer:
    account: str
    pair: nkey.NKeyPair

    @property
    def public(self) -> str:
        return self.pair.public

    def credentials(
        self, name: str, *, tags: Sequence[str] = (), now_seconds: int, expires_at_seconds: int | None = None
    ) -> str:
        """The text of a `.creds` file for a new user of this name, with a new key."""
        user = nkey.create()
        jwt = nats_jwt.user(
            self.pair,
            user.public,
            name,
            account=self.account,
            tags=tags,
            now_seconds=now_seconds,
            expires_at_seconds=expires_at_seconds,
        )
        return nats_jwt.credentials(jwt, user.seed)


def write_issuer(path: Path, issuer: Issuer) -> None:
    write_private(path, IssuerFile(account=issuer.account, seed=issuer.pair.seed).model_dump_json())


def read_issuer(path: Path) -> Issuer:
    """Raises `Invalid`, without the seed in its message."""
    try:
        found = IssuerFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}") from None
    except ValidationError:
        raise Invalid(f"{path} does not hold an account and a signing key") from None
    return Issuer(found.account, nkey.read_seed(found.seed))
