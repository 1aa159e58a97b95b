"""Values of a document, by the kinds that matter when they must become columns.

RethinkDB writes what JSON has no word for as objects with `$reql_type$`, and these can be anywhere in a document: TIME
(seconds as an integer or a fraction, and a zone), BINARY (base64, wrapped into lines), GEOMETRY.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

PSEUDO: Final = "$reql_type$"
KINDS = (
    "null",
    "boolean",
    "integer",
    "number",
    "nan",
    "text",
    "numeric text",
    "time",
    "binary",
    "geometry",
    "array",
    "object",
)
EXACT_INTEGERS = 2**53
"""The largest integer up to which every one is a number of RethinkDB and of JavaScript."""
NUMERIC = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]+)?")
"""Text that a number is behind. What has leading zeros (`007`) is a name, not a number."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_SECOND = 253_402_300_799
FIRST_SECOND = -62_135_596_800


def time(seconds: float, zone: str = "+00:00") -> dict[str, Any]:
    return {PSEUDO: "TIME", "epoch_time": seconds, "timezone": zone}


def binary(data: str) -> dict[str, Any]:
    return {PSEUDO: "BINARY", "data": data}


def kind_of(value: Any) -> str:
    """One of `KINDS`."""
    if isinstance(value, str):
        return "numeric text" if NUMERIC.fullmatch(value) else "text"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number" if math.isfinite(value) else "nan"
    if isinstance(value, list):
        return "array"
    return _kind_of_object(value)


def _kind_of_object(value: dict[str, Any]) -> str:
    match value:
        case {"$reql_type$": "TIME", "epoch_time": int() | float(), "timezone": str()}:
            return "time"
        case {"$reql_type$": "BINARY", "data": str()}:
            return "binary"
        case {"$reql_type$": "GEOMETRY"}:
            return "geometry"
    return "object"


def bytes_of(value: dict[str, Any]) -> bytes:
    """Raises ValueError where the text is no base64. Lines may end in the middle of it."""
    try:
        return base64.b64decode("".join(value["data"].split()), validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from error


def moment_of(value: dict[str, Any]) -> datetime:
    """In UTC and without a zone, exact to the microsecond. Raises ValueError beyond the years 1 to 9999."""
    seconds = value["epoch_time"]
    if not FIRST_SECOND <= seconds <= LAST_SECOND:
        raise ValueError(f"no calendar has second {seconds}")
    exact = Decimal(str(seconds))
    return (EPOCH + timedelta(seconds=int(exact), microseconds=int((exact % 1) * 1_000_000))).replace(tzinfo=None)
