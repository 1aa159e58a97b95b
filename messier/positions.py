"""A document's order, kept in rows as positions: storage may return rows in any order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any, TypeVar

Row = TypeVar("Row", bound=Mapping[str, Any])

_position = itemgetter("position")


def in_order(rows: Iterable[Row]) -> list[Row]:
    """By position, which is counted within the row's owner; nearly free for rows that are in order already."""
    return sorted(rows, key=_position)
