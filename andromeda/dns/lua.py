"""Python values as Lua source: how name servers are told what they need to know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Value: TypeAlias = "str | int | float | bool | Sequence[Value] | Mapping[str, Value]"


def chunk(value: Value) -> str:
    """A file whose `dofile` returns the value."""
    return f"return {literal(value)}\n"


def literal(value: Value) -> str:
    """Strings are ours: names, addresses, URLs. One that would need escaping is a defect, and refused."""
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"[{_quoted(key)}]={literal(item)}" for key, item in value.items()) + "}"
    return "{" + ",".join(map(literal, value)) + "}"


def _quoted(text: str) -> str:
    if not (text.isascii() and text.isprintable()) or '"' in text or "\\" in text:
        raise ValueError(f"cannot stand in a Lua string: {text!r}")
    return f'"{text}"'
