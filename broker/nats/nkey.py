"""NKeys: Ed25519 key pairs as NATS writes them, in base32 with a kind and a checksum. Source: the nkeys specification.

seed    2 bytes of kind, 32 of secret, 2 of checksum     SU...
public  1 byte of kind, 32 of key, 2 of checksum         U...
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from enum import IntEnum

from nacl.signing import SigningKey

from schema.errors import Invalid

SEED = 18 << 3
SECRET_BYTES = 32
CHECKSUM_BYTES = 2


class Kind(IntEnum):
    """What makes a public key begin with O, A or U."""

    OPERATOR = 14 << 3
    ACCOUNT = 0
    USER = 20 << 3


@dataclass(frozen=True, slots=True)
class NKeyPair:
    """Servers know the public key, and have nonces signed."""

    kind: Kind
    key: SigningKey = field(repr=False)

    @property
    def seed(self) -> str:
        return _written(bytes((SEED | self.kind >> 5, (self.kind & 31) << 3)) + bytes(self.key))

    @property
    def public(self) -> str:
        return _written(bytes((self.kind,)) + bytes(self.key.verify_key))

    def signature(self, text: str) -> str:
        signed = self.key.sign(text.encode()).signature
        return base64.urlsafe_b64encode(signed).rstrip(b"=").decode()


def create(kind: Kind = Kind.USER) -> NKeyPair:
    return NKeyPair(kind, SigningKey.generate())


def read_seed(seed: str) -> NKeyPair:
    """Raises `Invalid`, without the seed in its message."""
    data = _read(seed.strip())
    if len(data) != 2 + SECRET_BYTES or data[0] & 0xF8 != SEED:
        raise Invalid("an NKey seed that is none")
    try:
        kind = Kind((data[0] & 7) << 5 | data[1] >> 3)
    except ValueError:
        raise Invalid("an NKey seed of another kind") from None
    return NKeyPair(kind, SigningKey(data[2:]))


def _written(data: bytes) -> str:
    return base64.b32encode(data + _checksum(data)).rstrip(b"=").decode()


def _read(text: str) -> bytes:
    try:
        raw = base64.b32decode(text + "=" * (-len(text) % 8))
    except ValueError:
        raise Invalid("an NKey that is not base32") from None
    data = raw[:-CHECKSUM_BYTES]
    if text != _written(data):
        raise Invalid("an NKey with a wrong checksum")
    return data


def _checksum(data: bytes) -> bytes:
    return binascii.crc_hqx(data, 0).to_bytes(CHECKSUM_BYTES, "little")
