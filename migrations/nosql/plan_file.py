"""The plan as a file: TOML, which has comments, and which Python reads without help."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from migrations.nosql.paths import parse, spell
from migrations.nosql.plan import COERCIONS, ChildPlan, ColumnPlan, IndexPlan, Plan, PlanWrong, TablePlan, check

HEADER = """\
# Which document becomes which rows. Edit it, look at `migrate plan --plan THIS` for its SQL, then `migrate load`.
#
# from      where the value is: names joined by dots, [] for the elements of a list; several places are alternatives
# type      text(N), long text, integer, decimal(P, S), number, boolean, time, bytes, json
# coerce    what may be done to a value of another type. Without it, such a document goes to quarantine:
{coercions}
# rest      the column that keeps, as JSON, every field that nothing else takes
# drop      fields that are given up. Nothing is, unless it is named here
"""


def read(text: str) -> Plan:
    """Raises `PlanWrong`, naming what is wrong."""
    try:
        content = tomllib.loads(text)
        return check(Plan(tuple(_table(each) for each in content.pop("tables"))))
    except tomllib.TOMLDecodeError as error:
        raise PlanWrong(f"the plan is no TOML: {error}") from error
    except KeyError as error:
        raise PlanWrong(f"the plan says nothing of {error}") from error
    except (TypeError, AttributeError) as error:
        raise PlanWrong(f"the plan has something of the wrong kind: {error}") from error


def write(plan: Plan, notes: Mapping[str, str] | None = None) -> str:
    """`notes` are comments, by `table.column`."""
    coercions = "\n".join(f"#             {name:<16}  {meaning}" for name, meaning in COERCIONS.items())
    blocks = [HEADER.format(coercions=coercions)]
    blocks += ["\n".join(_table_lines(table, notes or {})) for table in plan.tables]
    return "\n".join(blocks) + "\n"


def _table(content: dict[str, Any]) -> TablePlan:
    return TablePlan(
        source=content["source"],
        name=content["name"],
        key=tuple(content["key"]),
        columns=tuple(_column(each) for each in content["columns"]),
        rest=content.get("rest"),
        drop=tuple(parse(each) for each in content.get("drop", ())),
        indexes=tuple(_index(each) for each in content.get("indexes", ())),
        children=tuple(_child(each) for each in content.get("children", ())),
    )


def _child(content: dict[str, Any]) -> ChildPlan:
    return ChildPlan(
        name=content["name"],
        sources=_paths(content["from"]),
        columns=tuple(_column(each) for each in content["columns"]),
        count=content["count"],
        indexes=tuple(_index(each) for each in content.get("indexes", ())),
    )


def _column(content: dict[str, Any]) -> ColumnPlan:
    unknown = content.keys() - {
        "name", "type", "from", "required", "coerce", "zone", "minimum", "pattern", "elements",
    }  # fmt: skip
    if unknown:
        raise PlanWrong(f"column {content.get('name')}: there is no {', '.join(sorted(unknown))}")
    return ColumnPlan(
        name=content["name"],
        type=content["type"],
        sources=_paths(content["from"]),
        required=content.get("required", False),
        coerce=tuple(content.get("coerce", ())),
        zone=content.get("zone", False),
        minimum=content.get("minimum"),
        pattern=content.get("pattern"),
        elements=tuple(content.get("elements", {}).items()),
    )


def _index(content: dict[str, Any]) -> IndexPlan:
    return IndexPlan(content["name"], tuple(content["columns"]), content.get("unique", False))


def _paths(content: str | list[str]) -> tuple[tuple[str, ...], ...]:
    return tuple(parse(each) for each in ([content] if isinstance(content, str) else content))


def _table_lines(table: TablePlan, notes: Mapping[str, str]) -> Iterator[str]:
    yield "[[tables]]"
    if note := notes.get(table.name):
        yield f"# {note}"
    yield f"source = {_spell(table.source)}"
    yield f"name = {_spell(table.name)}"
    yield f"key = {_spell(list(table.key))}"
    if table.rest:
        yield f"rest = {_spell(table.rest)}"
    yield f"drop = {_spell([spell(path) for path in table.drop])}"
    yield from _column_lines("columns", table.columns, table.name, notes)
    yield from _index_lines("indexes", table.indexes)
    for child in table.children:
        yield "\n[[tables.children]]"
        yield f"name = {_spell(child.name)}"
        yield f"from = {_spell([spell(path) for path in child.sources])}"
        yield f"count = {_spell(child.count)}"
        yield from _column_lines("columns", child.columns, child.name, notes)
        yield from _index_lines("indexes", child.indexes)
    yield ""


def _column_lines(word: str, columns: Iterable[ColumnPlan], table: str, notes: Mapping[str, str]) -> Iterator[str]:
    yield f"{word} = ["
    for column in columns:
        note = notes.get(f"{table}.{column.name}")
        yield f"  {_inline(_column_items(column))}," + (f"  # {note}" if note else "")
    yield "]"


def _column_items(column: ColumnPlan) -> Iterator[tuple[str, Any]]:
    places = [spell(path) for path in column.sources]
    yield "name", column.name
    yield "from", places[0] if len(places) == 1 else places
    yield "type", column.type
    for name in ("required", "coerce", "zone", "minimum", "pattern"):
        if (value := getattr(column, name)) not in (None, False, ()):
            yield name, value
    if column.elements:
        yield "elements", dict(column.elements)


def _index_lines(word: str, indexes: Iterable[IndexPlan]) -> Iterator[str]:
    lines = [
        f"  {_inline([('name', i.name), ('columns', i.columns), *([('unique', True)] if i.unique else [])])},"
        for i in indexes
    ]
    if lines:
        yield from (f"{word} = [", *lines, "]")


def _inline(items: Iterable[tuple[str, Any]]) -> str:
    return (
        "{ " + ", ".join(f"{_spell(name) if ' ' in name else name} = {_spell(value)}" for name, value in items) + " }"
    )


def _spell(value: Any) -> str:
    if isinstance(value, dict):
        return _inline(value.items())
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_spell(each) for each in value) + "]"
    return json.dumps(value)
