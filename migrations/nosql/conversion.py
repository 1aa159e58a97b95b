"""A document into the rows of its tables, by the plan: every field ends in a cell, or is named as dropped, or the whole
document is refused with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from migrations.nosql import cells
from migrations.nosql.cells import Cell, Conversion, Misfit, Notes
from migrations.nosql.checksums import Row, digest_row, key_digest
from migrations.nosql.paths import Path, spell
from migrations.nosql.plan import ChildPlan, ColumnPlan, TablePlan
from migrations.nosql.sources.json_values import spell as spell_json
from migrations.nosql.values import kind_of

_MISSING: Any = object()


class Converted(NamedTuple):
    key: tuple[Cell, ...]
    parent: Row
    children: Sequence[Sequence[Row]]
    """Of each child table of the plan, in its order."""
    notes: Sequence[str]
    """`column: coercion`, one for each value that was changed."""


@dataclass
class _Branch:
    """What the plan takes of an object, so that what it does not take is found."""

    taken: set[str] = field(default_factory=set)
    below: dict[str, _Branch] = field(default_factory=dict)


class Converter:
    """Of one table of the plan."""

    def __init__(self, plan: TablePlan) -> None:
        self.plan = plan
        self._columns = [_Column(column) for column in plan.columns]
        self._key = [[column.name for column in plan.columns].index(name) for name in plan.key]
        self._children = [_Child(child) for child in plan.children]
        self._known = _branches(plan)

    def convert(self, document: Mapping[str, Any]) -> Converted:
        """Raises `Misfit`."""
        notes: Notes = []
        rest: dict[str, Any] = {}
        row = [column.cell(document, notes, rest) for column in self._columns]
        key = tuple(row[place] for place in self._key)
        elements = [child.elements(document) for child in self._children]
        row += [None if each is None else len(each) for each in elements]
        _collect_unknown(document, self._known, (), rest)
        if self.plan.rest is not None:
            row.append(spell_json(rest) if rest else None)
        elif rest:
            raise Misfit(f"the plan says nothing of {', '.join(rest)}")
        try:
            return self._digested(key, row, elements, notes)
        except UnicodeEncodeError as error:
            raise Misfit("half of a surrogate pair is no character") from error

    def key_of(self, document: Mapping[str, Any]) -> tuple[Cell, ...]:
        """Raises `Misfit`. The rest of the document may be whatever it is."""
        return tuple(self._columns[place].cell(document, [], {}) for place in self._key)

    def _digested(
        self, key: tuple[Cell, ...], row: list[Cell], elements: list[list[Any] | None], notes: Notes
    ) -> Converted:
        children = [child.rows(key, each or (), notes) for child, each in zip(self._children, elements, strict=True)]
        return Converted(key, Row(tuple(row), digest_row(key_digest(key), row)), children, notes)


class _Column:
    def __init__(self, plan: ColumnPlan) -> None:
        self._name = plan.name
        self._paths = plan.sources
        self._simple = plan.sources[0][0] if len(plan.sources) == 1 and len(plan.sources[0]) == 1 else None
        self._required = plan.required
        self._allowed = _allowed(plan.name, plan.coerce)
        self._convert = cells.checked(_conversion(plan, self._allowed), plan.minimum, plan.pattern)

    def cell(self, document: Mapping[str, Any], notes: Notes, rest: dict[str, Any]) -> Cell:
        value = document.get(self._simple, _MISSING) if self._simple is not None else self._find(document)
        if value is None and not self._required:
            if note := self._allowed.get("null is missing"):
                notes.append(note)
            else:
                self._keep_null(document, rest)
            return None
        if value is None or value is _MISSING:
            if self._required:
                raise Misfit(f"{self._name}: it is {'null' if value is None else 'missing'}")
            return None
        try:
            return self._convert(value, notes)
        except Misfit as misfit:
            raise Misfit(f"{self._name}: {misfit}") from misfit

    def _find(self, document: Mapping[str, Any]) -> Any:
        """The value in the one place where the document has it. In two places it may be only if it is the same."""
        value = _MISSING
        for path in self._paths:
            found = _at(document, path)
            if found is _MISSING:
                continue
            if value is not _MISSING and (value != found or type(value) is not type(found)):
                places = ", ".join(spell(each) for each in self._paths)
                raise Misfit(f"{self._name}: two values, in {places}")
            value = found
        return value

    def _keep_null(self, document: Mapping[str, Any], rest: dict[str, Any]) -> None:
        for path in self._paths:
            if _at(document, path) is None:
                rest[spell(path)] = None


class _Child:
    def __init__(self, plan: ChildPlan) -> None:
        self._plan = plan
        self._known = _branch(column.sources for column in plan.columns)
        self._scalar = any(() in column.sources for column in plan.columns)
        columns = [replace(column, sources=(("",),)) for column in plan.columns] if self._scalar else plan.columns
        self._columns = [_Column(column) for column in columns]

    def elements(self, document: Mapping[str, Any]) -> list[Any] | None:
        found = [value for path in self._plan.sources if (value := _at(document, path)) is not _MISSING]
        if len(found) > 1 and any(each != found[0] for each in found):
            raise Misfit(f"{self._plan.name}: two lists")
        if found and not isinstance(found[0], list):
            raise Misfit(f"{self._plan.name}: {kind_of(found[0])} where a list should be")
        return found[0] if found else None

    def rows(self, key: tuple[Cell, ...], elements: Sequence[Any], notes: Notes) -> list[Row]:
        rows = []
        for position, element in enumerate(elements):
            content = {"": element} if self._scalar else element
            if not isinstance(content, dict):
                raise Misfit(f"{self._plan.name}: an element is {kind_of(element)}, not an object")
            unknown: dict[str, Any] = {}
            values = [column.cell(content, notes, unknown) for column in self._columns]
            if not self._scalar:
                _collect_unknown(content, self._known, (), unknown)
            if unknown:
                raise Misfit(f"{self._plan.name}: the plan says nothing of {', '.join(unknown)}")
            row = (*key, position, *values)
            rows.append(Row(row, digest_row(key_digest((*key, position)), row)))
        return rows


def _allowed(column: str, coercions: Iterable[str]) -> cells.Allowed:
    return {each: f"{column}: {each}" for each in coercions}


def _conversion(plan: ColumnPlan, allowed: cells.Allowed) -> Conversion:
    if plan.zone:
        return lambda value, notes: cells.zone_of(value)
    if plan.elements:
        return _list_of_objects(plan.name, dict(plan.elements))
    return cells.conversion(plan.type, allowed)


def _list_of_objects(column: str, types: Mapping[str, str]) -> Conversion:
    """JSON with the fields of each element brought to their types, where that loses nothing; the others stay."""
    allowed = _allowed(column, ("text to number", "number to text"))
    typed = [(name, cells.conversion(type_name, allowed)) for name, type_name in types.items()]

    def brought(value: Any, notes: Notes) -> Cell:
        if not isinstance(value, list):
            raise Misfit(f"{kind_of(value)} where a list should be")
        return spell_json([_element(each, typed, notes) for each in value])

    return brought


def _element(element: Any, typed: Sequence[tuple[str, Conversion]], notes: Notes) -> Any:
    if not isinstance(element, dict):
        raise Misfit(f"an element is {kind_of(element)}, not an object")
    whole = element.copy()
    for name, convert in typed:
        if (value := element.get(name)) is not None:
            whole[name] = convert(value, notes)
    return whole


def _at(document: Any, path: Path) -> Any:
    for step in path:
        if not isinstance(document, dict) or (document := document.get(step, _MISSING)) is _MISSING:
            return _MISSING
    return document


def _branches(plan: TablePlan) -> _Branch:
    return _branch(
        [*(column.sources for column in plan.columns), *(child.sources for child in plan.children), plan.drop]
    )


def _branch(places: Iterable[Iterable[Path]]) -> _Branch:
    root = _Branch()
    for sources in places:
        for path in sources:
            branch = root
            for step in path[:-1]:
                branch = branch.below.setdefault(step, _Branch())
            if path:
                branch.taken.add(path[-1])
    return root


def _collect_unknown(document: Mapping[str, Any], known: _Branch, path: Path, rest: dict[str, Any]) -> None:
    for name in document.keys() - known.taken:
        below, value = known.below.get(name), document[name]
        if below is not None and kind_of(value) == "object" and value:
            _collect_unknown(value, below, (*path, name), rest)
        else:
            rest[spell((*path, name))] = value
