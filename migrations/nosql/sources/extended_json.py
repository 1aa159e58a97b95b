"""MongoDB's extended JSON, turned into the values that RethinkDB has, so that only one dialect goes on from here.

Both the canonical form (every number wrapped) and the relaxed one are understood. What RethinkDB has no value for
(regular expressions, timestamps of the replication log, decimals of 34 digits) stays as it is, an
object with its `$` name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from migrations.nosql.values import binary, time


def plain(value: Any) -> Any:
    """The same value without wrappers; what no wrapper is comes back as it was."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, content),) = value.items()
        if (unwrap := WRAPPERS.get(name)) is not None:
            try:
                return unwrap(content)
            except (ValueError, KeyError, TypeError, AttributeError):
                return value
    return {name: plain(each) for name, each in value.items()}


def _date(content: Any) -> Any:
    if isinstance(content, str):
        return time(datetime.fromisoformat(content.replace("Z", "+00:00")).timestamp())
    milliseconds = int(content["$numberLong"] if isinstance(content, Mapping) else content)
    return time(milliseconds / 1000 if milliseconds % 1000 else milliseconds // 1000)


def _binary(content: Any) -> Any:
    if content["subType"] not in {"00", "0", "02"}:
        raise ValueError("a kind of bytes that must be kept")
    return binary(content["base64"])


def _double(content: Any) -> Any:
    number = float(content)
    return int(number) if math.isfinite(number) and number.is_integer() and abs(number) < 2**53 else number


def _text(content: Any) -> str:
    if not isinstance(content, str):
        raise TypeError("not what this wrapper holds")
    return content


WRAPPERS: Mapping[str, Callable[[Any], Any]] = {
    "$oid": _text,
    "$date": _date,
    "$numberInt": int,
    "$numberLong": int,
    "$numberDouble": _double,
    "$binary": _binary,
}
