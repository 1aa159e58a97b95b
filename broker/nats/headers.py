"""The headers of a NATS message: a status line from the server, then names and values, as in HTTP. Source: ADR-4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from schema.errors import Invalid

FIRST_LINE = b"NATS/1.0"
NO_RESPONDERS = b"NATS/1.0 503"
HEADER_BYTES_MAX = 16 * 1024
"""Of what this node sends: headers tell of a message, they are not its content."""


class Headers(NamedTuple):
    status: str
    """Only what the server itself says has one."""
    values: dict[str, str]


def encode(values: Mapping[str, str]) -> bytes:
    """Empty if there are no values. Raises `Invalid`."""
    if not values:
        return b""
    for name, value in values.items():
        if (
            not name
            or not _is_line(name)
            or ":" in name
            or " " in name
            or not _is_line(value)
            or value != value.strip()
        ):
            raise Invalid(f"{name!r} and its value do not make a line of a header")
    lines = "".join(f"{name}: {value}\r\n" for name, value in values.items())
    header = b"%b\r\n%b\r\n" % (FIRST_LINE, lines.encode())
    if len(header) > HEADER_BYTES_MAX:
        raise Invalid(f"a header of {len(header)} bytes")
    return header


def decode(header: bytes) -> Headers:
    """Of names that occur more than once, the last value. Lines that are none are passed over: strangers send them."""
    first, *lines = header.decode("utf-8", "replace").split("\r\n")
    values = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            values[name.strip()] = value.strip()
    return Headers(first[len(FIRST_LINE) :].strip(), values)


def says_no_responders(header: bytes) -> bool:
    return header.startswith(NO_RESPONDERS)


def _is_line(text: str) -> bool:
    return text.isprintable() or not text
