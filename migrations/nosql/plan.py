"""Which document becomes which rows. A plan is a value: read from a file that people edit, and checked before use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from migrations.nosql.paths import ELEMENT, Path, spell

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
TYPE = re.compile(r"(text)\((\d+)\)|(decimal)\((\d+), ?(\d+)\)|integer|number|boolean|time|bytes|json|long text")
POSITION = "position"
"""Of a child row in its list, from 0."""
KEY_CHARACTERS = 768
"""An InnoDB key has at most 3,072 bytes, and a character up to four."""

COERCIONS = {
    "text to number": 'a number written as text ("5") becomes the number',
    "number to text": "a number becomes its text",
    "time to number": "a TIME becomes its seconds since 1970; its zone is given up",
    "null is missing": "null is kept like a field that is not there",
    "nan is missing": "NaN and infinities are kept like a field that is not there",
    "value to json": 'any value becomes its JSON, so that 5 and "5" stay apart',
}
"""What may be done to a value that does not have its column's type. Without its name in the plan, none is done."""


class PlanWrong(ValueError):
    """The plan cannot be meant; says where."""


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    name: str
    type: str
    sources: tuple[Path, ...]
    """Where the value may be; a document has it in one of these places."""
    required: bool = False
    coerce: tuple[str, ...] = ()
    zone: bool = False
    """The zone of the TIME there, instead of the TIME."""
    minimum: float | None = None
    pattern: str | None = None
    elements: tuple[tuple[str, str], ...] = ()
    """Of a JSON column that holds a list of objects: what type each field is brought to."""


@dataclass(frozen=True, slots=True)
class IndexPlan:
    name: str
    columns: tuple[str, ...]
    unique: bool = False


@dataclass(frozen=True, slots=True)
class ChildPlan:
    """A table with one row for each element of a list."""

    name: str
    sources: tuple[Path, ...]
    columns: tuple[ColumnPlan, ...]
    count: str
    """The column of the parent with the list's length: nothing where there was no list, 0 where it was empty."""
    indexes: tuple[IndexPlan, ...] = ()


@dataclass(frozen=True, slots=True)
class TablePlan:
    source: str
    name: str
    key: tuple[str, ...]
    columns: tuple[ColumnPlan, ...]
    rest: str | None = None
    """The column that keeps, as JSON, every field that no other column takes."""
    drop: tuple[Path, ...] = ()
    indexes: tuple[IndexPlan, ...] = ()
    children: tuple[ChildPlan, ...] = ()

    def key_columns(self) -> tuple[ColumnPlan, ...]:
        by_name = {column.name: column for column in self.columns}
        return tuple(by_name[name] for name in self.key)


@dataclass(frozen=True, slots=True)
class Plan:
    tables: tuple[TablePlan, ...]

    def target_names(self) -> list[str]:
        return [name for table in self.tables for name in (table.name, *(child.name for child in table.children))]


def check(plan: Plan) -> Plan:
    """The plan itself. Raises `PlanWrong`."""
    names = plan.target_names()
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise PlanWrong(f"two tables are called {', '.join(repeated)}")
    for table in plan.tables:
        for problem in _problems(table):
            raise PlanWrong(f"table {table.name}: {problem}")
    return plan


def _problems(table: TablePlan) -> Iterator[str]:
    names = [column.name for column in table.columns] + [child.count for child in table.children]
    names += [table.rest] if table.rest else []
    yield from _column_problems(table.columns, names)
    yield from _key_problems(table, names)
    for child in table.children:
        of_child = [*table.key, POSITION, *(column.name for column in child.columns)]
        yield from (f"{child.name}: {problem}" for problem in _column_problems(child.columns, of_child))
        yield from _index_problems(child.indexes, of_child)
        yield from (f"{spell(path)}: the list itself is meant" for path in child.sources if ELEMENT in path)
    yield from _index_problems(table.indexes, names)


def _column_problems(columns: Sequence[ColumnPlan], names: Sequence[str]) -> Iterator[str]:
    for name in names:
        if not NAME.fullmatch(name):
            yield f"{name!r} cannot be the name of a column: letters, digits, _ and at most 64"
        if [each.lower() for each in names].count(name.lower()) > 1:
            yield f"two columns are called {name}"
    for column in columns:
        if not TYPE.fullmatch(column.type):
            yield f"{column.name}: there is no type {column.type!r}"
        for word in column.coerce:
            if word not in COERCIONS:
                yield f"{column.name}: there is no coercion {word!r}; there are {', '.join(COERCIONS)}"


def _key_problems(table: TablePlan, names: Sequence[str]) -> Iterator[str]:
    if not table.key:
        yield "it has no key"
    for name in table.key:
        if name not in names:
            yield f"its key {name} is no column"
    for column in table.columns:
        if column.name in table.key and not column.required:
            yield f"{column.name} is part of the key, and so must be required"
        if column.name in table.key and column.type in {"long text", "json", "bytes", "number"}:
            yield f"{column.name} is part of the key, which cannot be {column.type}"


def _index_problems(indexes: Sequence[IndexPlan], names: Sequence[str]) -> Iterator[str]:
    for index in indexes:
        for column in index.columns:
            if column not in names:
                yield f"index {index.name}: {column} is no column"
