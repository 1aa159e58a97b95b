"""Reading untrusted JSON: each function answers a field of the expected type or raises `BadPacket` naming it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import orjson

Fields: TypeAlias = Mapping[str, Any]


class BadPacket(ValueError):
    """What came in is no packet of ours. Its text is a fixed phrase, so that each kind is logged once."""


def parse(payload: bytes) -> dict[str, Any]:
    try:
        fields = orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise BadPacket("not JSON") from None
    if not isinstance(fields, dict):
        raise BadPacket("not an object")
    return fields


def text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise BadPacket(f"{name} is not a text")
    return value


def optional_text(fields: Fields, name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise BadPacket(f"{name} is neither a text nor null")
    return value


def number(fields: Fields, name: str, default: float) -> float:
    """Missing, null and negative numbers are the default: foreign nodes send all three."""
    value = fields.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadPacket(f"{name} is not a number")
    return value if value >= 0 else default


def mapping(fields: Fields, name: str) -> dict[str, Any]:
    """A missing or null object is empty."""
    value = fields.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadPacket(f"{name} is not an object")
    return value


def objects(fields: Fields, name: str) -> list[dict[str, Any]]:
    """A list of objects; a missing or null list is empty."""
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise BadPacket(f"{name} is not a list of objects")
    return value
