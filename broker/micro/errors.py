"""Errors at the micro door: two headers that every micro client reads, and a body that says the same to people.

The code is HTTP's for the error's place in the tree. What an `internal` error says stays in the log of this node.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import orjson

from broker.wire.errors import INTERNAL_MESSAGE, MESSAGE_LENGTH_MAX, TABLE
from schema.errors import ERRORS, Internal, MeshError

ERROR_HEADER = "Nats-Service-Error"
CODE_HEADER = "Nats-Service-Error-Code"

STATUSES: Mapping[str, int] = {row.error.code: row.status for row in TABLE if ERRORS[row.error.code] is row.error}
"""Refusals have statuses of their own between nodes; to everybody else they are what they are derived from."""


class Failure(NamedTuple):
    """An error as a stranger may see it."""

    text: str
    headers: dict[str, str]
    body: bytes


def describe(error: MeshError) -> Failure:
    internal = isinstance(error, Internal)
    message = INTERNAL_MESSAGE if internal else error.message[:MESSAGE_LENGTH_MAX]
    text = _line(message) or error.code
    content = {"code": error.code, "message": message, "data": {} if internal else error.data}
    return Failure(text, {ERROR_HEADER: text, CODE_HEADER: str(STATUSES[error.code])}, _body(content))


def _body(content: Mapping[str, object]) -> bytes:
    try:
        return orjson.dumps({"error": content})
    except TypeError:
        return orjson.dumps({"error": {"code": content["code"], "message": _line(str(content["message"]))}})


def _line(message: str) -> str:
    """As one line of plain ASCII, whatever a message quotes: clients differ in what else they can read in a header."""
    words = message.encode("ascii", "backslashreplace").decode("ascii").split()
    return "".join(filter(str.isprintable, " ".join(words)))[:MESSAGE_LENGTH_MAX].strip()
