"""Rows as SQL of MySQL's family, which is most of what inserting them costs where a driver escapes cell by cell.

The rows are one parameter of their statement, of a type that the driver is told about. So an error shows how many there
were, and not a megabyte of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pymysql.converters import conversions

from migrations.nosql.cells import Cell

CHARACTERS = 1_000_000
"""In a statement, unless one row alone has more: at most 4 MB, which every server takes with its defaults."""


@dataclass(frozen=True, slots=True)
class Rows:
    """`(…),(…)`, as it follows VALUES."""

    sql: str = field(repr=False)
    number: int


def rows(cells: Iterable[Sequence[Cell]]) -> Iterator[Rows]:
    """As many as it takes, in their order."""
    texts: list[str] = []
    length = 0
    for row in cells:
        text = f"({','.join(map(literal, row))})"
        if texts and length + len(text) > CHARACTERS:
            yield Rows(",".join(texts), len(texts))
            texts, length = [], 0
        texts.append(text)
        length += len(text)
    if texts:
        yield Rows(",".join(texts), len(texts))


def literal(cell: Cell) -> str:
    """Where the session's `sql_mode` lets a backslash escape, as `target.STRICT` does."""
    if cell is None:
        return "NULL"
    if type(cell) is str:
        return "'" + cell.replace("\\", "\\\\").replace("'", "''") + "'"
    if isinstance(cell, bytes):
        return f"x'{cell.hex()}'"
    if isinstance(cell, float):
        return f"{cell!r}" if "e" in repr(cell) else f"{cell!r}e0"
    return str(cell)


def conversions_with_rows() -> dict[Any, Any]:
    """What the driver is to know when it connects."""
    return {**conversions, Rows: lambda given, _: given.sql}
