"""A plan from a profile: types wide enough for what was seen, lists that an index looks into as tables of their own.

What one type holds becomes a column. What has several, or is an object, stays JSON: nothing is lost by that, and the
person who edits the plan knows what it should have been.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from migrations.nosql.index_text import fields
from migrations.nosql.paths import ELEMENT, Path
from migrations.nosql.plan import KEY_CHARACTERS, POSITION, ChildPlan, ColumnPlan, IndexPlan, Plan, TablePlan, check
from migrations.nosql.profile import OTHERS, PathProfile, TableProfile
from migrations.nosql.sources.source import SourceIndex

TEXT_LENGTHS = (64, 190)
"""A text that is longer than the last of these is long text."""
ROOM = 1.25
"""Later documents may be longer than those that were seen."""
REST = "rest"
INTEGER_DIGITS = 63
DECIMAL_PLACES = 6


@dataclass
class Proposal:
    plan: Plan
    notes: dict[str, str] = field(default_factory=dict)
    """By `table.column`, what was seen there; by `table`, what could not be planned."""


def propose(profiles: Iterable[TableProfile]) -> Proposal:
    proposals = [_Table(each) for each in profiles]
    names = _Names()
    for each in proposals:
        each.take_names(names)
    proposal = Proposal(check(Plan(tuple(each.plan() for each in proposals))))
    for each in proposals:
        proposal.notes |= each.notes
    return proposal


class _Names:
    """Names that databases take, each once, whatever their case."""

    def __init__(self, *taken: str) -> None:
        self._taken = {name.lower() for name in taken}

    def take(self, wanted: str) -> str:
        name = plain = (re.sub(r"\W", "_", wanted, flags=re.ASCII) or "value")[:56]
        if plain[0].isdigit():
            name = plain = f"_{plain}"
        number = 1
        while name.lower() in self._taken:
            number += 1
            name = f"{plain}_{number}"
        self._taken.add(name.lower())
        return name


class _Table:
    def __init__(self, profile: TableProfile) -> None:
        self._profile = profile
        self._lists = self._indexed_lists()
        self._columns: dict[Path, ColumnPlan] = {}
        self._names = _Names(REST, POSITION)
        self.notes: dict[str, str] = {}
        self.name = ""

    def take_names(self, names: _Names) -> None:
        self.name = names.take(self._profile.table.name.split(".")[-1])
        self._child_names = {path: names.take("_".join((self.name, *path))) for path in self._lists}

    def plan(self) -> TablePlan:
        key = self._key()
        zones = [each for path in self._top_level() if (each := self._add(path)) is not None]
        indexes = tuple(filter(None, map(self._index, self._profile.table.indexes)))
        children = tuple(self._child(path) for path in self._lists)
        return TablePlan(
            self._profile.table.name,
            self.name,
            (key.name,),
            (*self._columns.values(), *zones),
            REST,
            (),
            indexes,
            children,
        )

    def _key(self) -> ColumnPlan:
        path = (self._profile.table.key,)
        seen = self._profile.paths.get(path, PathProfile(path))
        kinds = seen.kinds.keys() or {"text"}
        name = self._names.take(path[0])
        if kinds <= {"integer"}:
            column = ColumnPlan(name, "integer", (path,), required=True)
        else:
            mixed = not kinds <= {"text", "numeric text"}
            length = 255 if mixed else _text_length(seen) or KEY_CHARACTERS
            column = ColumnPlan(
                name, f"text({length})", (path,), required=True, coerce=("value to json",) if mixed else ()
            )
        self._columns[path] = column
        self.notes[f"{self.name}.{name}"] = _note(seen)
        return column

    def _top_level(self) -> list[Path]:
        return [
            path
            for path in self._profile.paths
            if len(path) == 1 and path not in self._columns and path not in self._lists and path != OTHERS
        ]

    def _add(self, path: Path) -> ColumnPlan | None:
        """Adds the column of a path; returns the one of its zone where it has one."""
        seen = self._profile.paths[path]
        column = _column(self._names.take("_".join(path)), path, seen)
        self._columns[path] = column
        self.notes[f"{self.name}.{column.name}"] = _note(seen)
        if column.type != "time":
            return None
        return ColumnPlan(self._names.take(f"{column.name}_zone"), "text(6)", (path,), zone=True)

    def _indexed_lists(self) -> list[Path]:
        found: dict[Path, None] = {}
        for index in self._profile.table.indexes:
            for path in fields(index.query) if index.multi else ():
                if (seen := self._profile.paths.get(path[:1])) is not None and seen.kinds.keys() == {"array"}:
                    found[path[:1]] = None
        return list(found)

    def _index(self, index: SourceIndex) -> IndexPlan | None:
        if index.multi:
            return None
        paths = fields(index.query)
        for path in paths:
            if path not in self._columns and path in self._profile.paths:
                self._add(path)
        columns = [self._columns.get(path) for path in paths]
        present = [column for column in columns if column is not None]
        if not paths or len(present) < len(columns) or not _can_be_indexed(present):
            self.notes[self.name] = f"index {index.name} is not planned: {index.query}"
            return None
        return IndexPlan(_index_name(self.name, index.name), tuple(column.name for column in present))

    def _child(self, path: Path) -> ChildPlan:
        name, inside = self._child_names[path], (*path, ELEMENT)
        names = _Names(POSITION, *(column.name for column in self._columns.values()))
        elements = self._profile.paths.get(inside, PathProfile(inside))
        columns: dict[Path, ColumnPlan] = {}
        if elements.kinds.keys() == {"object"}:
            for each, seen in self._profile.paths.items():
                if len(each) == len(inside) + 1 and each[: len(inside)] == inside:
                    columns[each[-1:]] = _column(names.take(each[-1]), each[-1:], seen, zones=False)
        else:
            columns[()] = _column(names.take("value"), (), elements, zones=False)
        indexes = []
        for index in self._profile.table.indexes:
            for chain in fields(index.query) if index.multi else ():
                column = columns.get(chain[1:])
                if chain[:1] == path and column is not None and _can_be_indexed([column]):
                    indexes.append(IndexPlan(_index_name(name, index.name), (column.name,)))
        count = self._names.take(f"{'_'.join(path)}_count")
        return ChildPlan(name, (path,), tuple(columns.values()), count, tuple(indexes))


def _column(name: str, path: Path, seen: PathProfile, *, zones: bool = True) -> ColumnPlan:
    kinds = seen.kinds.keys() - {"null"}
    type_name, coerce = _type(kinds, seen)
    if type_name == "time" and not zones:
        type_name = "json"
    return ColumnPlan(name, type_name, (path,), coerce=coerce)


def _type(kinds: set[str], seen: PathProfile) -> tuple[str, tuple[str, ...]]:
    if not kinds:
        return "json", ()
    if kinds <= {"text", "numeric text"}:
        return (f"text({length})" if (length := _text_length(seen)) else "long text"), ()
    if kinds == {"boolean"}:
        return "boolean", ()
    if kinds == {"time"}:
        return "time", ()
    if kinds == {"binary"}:
        return "bytes", ()
    if kinds <= {"integer", "numeric text", "number", "time"}:
        return _number(kinds, seen)
    return "json", ()


def _number(kinds: set[str], seen: PathProfile) -> tuple[str, tuple[str, ...]]:
    coerce = [word for kind, word in (("numeric text", "text to number"), ("time", "time to number")) if kind in kinds]
    integers = seen.kinds.get("integer")
    if integers is not None and max(abs(integers.least), abs(integers.most)) >= 2**INTEGER_DIGITS:
        return "json", ()
    if "time" in kinds:
        return f"decimal(20, {DECIMAL_PLACES})", tuple(coerce)
    if "number" in kinds:
        return "number", tuple(coerce)
    return "integer", tuple(coerce)


def _text_length(seen: PathProfile) -> int | None:
    longest = max((each.most or 0 for each in seen.kinds.values()), default=0)
    return next((length for length in TEXT_LENGTHS if longest * ROOM <= length), None)


def _can_be_indexed(columns: Sequence[ColumnPlan]) -> bool:
    texts = [re.fullmatch(r"text\((\d+)\)", column.type) for column in columns]
    fit = all(column.type not in {"json", "long text", "bytes"} for column in columns)
    return fit and sum(int(each.group(1)) for each in texts if each) <= KEY_CHARACTERS


def _index_name(table: str, index: str) -> str:
    return ("ix_" + re.sub(r"\W", "_", f"{table}_{index}", flags=re.ASCII))[:64]


def _note(seen: PathProfile) -> str:
    kinds = ", ".join(f"{each.count:,} {kind}" for kind, each in seen.kinds.items())
    odd = "".join(f"; {each.count:,} {name}" for name, each in seen.oddities.items())
    return f"{kinds}{f', {seen.missing:,} missing' if seen.missing else ''}{odd}"
