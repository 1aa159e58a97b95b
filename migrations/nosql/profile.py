"""What is really in a source: for each path of each table the kinds of values, how many, which,
since when and until when.

A stream goes in and a bounded profile comes out. A path is where values are (`paths`); what one document has and
another has not shows as missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from migrations.nosql.distinct import Distinct
from migrations.nosql.paths import ELEMENT, Path, spell
from migrations.nosql.sources.json_values import spell as spell_json
from migrations.nosql.sources.source import Source, SourceTable
from migrations.nosql.values import EXACT_INTEGERS, kind_of

PATHS = 2_000
"""Of one table. Objects whose names are data (headers, course numbers) have more;
the rest of them is counted together."""
COMMON = 16
"""So many different values are counted one by one."""
SHOWN = 80
OTHERS: Path = ("…",)


@dataclass
class Seen:
    """One kind of value, or one oddity, at one path."""

    count: int = 0
    first: str = ""
    last: str = ""
    """Keys of the documents."""
    example: str = ""
    least: Any = None
    most: Any = None
    """Of numbers their value, of times their second, of the others their length."""

    def add(self, key: str, value: Any, measure: Any = None) -> None:
        if not self.count:
            self.first, self.example = key, _shown(value)
        self.count += 1
        self.last = key
        if measure is not None:
            self.least = measure if self.least is None or measure < self.least else self.least
            self.most = measure if self.most is None or measure > self.most else self.most


@dataclass
class PathProfile:
    path: Path
    kinds: dict[str, Seen] = field(default_factory=dict)
    oddities: dict[str, Seen] = field(default_factory=dict)
    distinct: Distinct = field(default_factory=Distinct)
    common: dict[str, int] | None = field(default_factory=dict)
    """None once there are too many."""
    decimals: int = 0
    missing: int = 0

    @property
    def count(self) -> int:
        return sum(seen.count for seen in self.kinds.values())

    def add(self, key: str, value: Any) -> str:
        kind = kind_of(value)
        seen = self.kinds.get(kind)
        if seen is None:
            seen = self.kinds[kind] = Seen()
        seen.add(key, value, _measure(kind, value))
        for oddity in _oddities(kind, value):
            self.oddities.setdefault(oddity, Seen()).add(key, value)
        if kind not in {"object", "array", "null"}:
            self._count_value(kind, value)
        return kind

    def _count_value(self, kind: str, value: Any) -> None:
        text = value if isinstance(value, str) else spell_json(value)
        self.distinct.add(text)
        if kind == "number":
            self.decimals = max(self.decimals, len(repr(value).partition(".")[2]) if value % 1 else 0)
        if self.common is not None and len(text) <= SHOWN:
            self.common[text] = self.common.get(text, 0) + 1
            if len(self.common) > COMMON:
                self.common = None


@dataclass
class TableProfile:
    table: SourceTable
    documents: int = 0
    bytes: int = 0
    largest: int = 0
    paths: dict[Path, PathProfile] = field(default_factory=dict)

    def candidate_keys(self) -> list[Path]:
        """Paths that every document has, with a value that, as far as can be estimated, no other one has."""
        return [
            path
            for path, each in self.paths.items()
            if ELEMENT not in path
            and not each.missing
            and each.kinds.keys() <= {"text", "numeric text", "integer"}
            and each.distinct.estimate() >= self.documents * CLOSE
        ]


CLOSE = 0.85
"""An estimate this near to the number of documents may be that number."""


def profile(source: Source, told: Callable[[str, int], None] = lambda _, __: None) -> list[TableProfile]:
    profiles = []
    for table in source.tables():
        found = TableProfile(table)
        for number, entry in enumerate(source.read(table.name), 1):
            found.documents = number
            found.bytes += len(entry.raw)
            found.largest = max(found.largest, len(entry.raw))
            _look(found, (), entry.document, _shown(entry.document.get(table.key, f"#{number}")))
            told(table.name, number)
        _count_missing(found)
        profiles.append(found)
    return profiles


def _look(into: TableProfile, path: Path, value: Mapping[str, Any], key: str) -> None:
    for name, each in value.items():
        _look_at(into, (*path, name), each, key)


def _look_at(into: TableProfile, path: Path, value: Any, key: str) -> None:
    known = into.paths.get(path)
    if known is None:
        if len(into.paths) >= PATHS:
            path = OTHERS
        known = into.paths.setdefault(path, PathProfile(path))
    kind = known.add(key, value)
    if path == OTHERS:
        return
    if kind == "object":
        _look(into, path, value, key)
    elif kind == "array":
        for each in value:
            _look_at(into, (*path, ELEMENT), each, key)


def _count_missing(found: TableProfile) -> None:
    for path, each in found.paths.items():
        if path == OTHERS or path[-1] == ELEMENT:
            continue
        above = found.paths.get(path[:-1])
        objects = found.documents if len(path) == 1 else above.kinds["object"].count if above else each.count
        each.missing = objects - each.count


def _measure(kind: str, value: Any) -> Any:
    if kind in {"integer", "number"}:
        return value
    if kind == "time":
        return value["epoch_time"]
    if kind == "binary":
        return len(value["data"])
    return len(value) if kind in {"text", "numeric text", "array"} else None


def _oddities(kind: str, value: Any) -> Iterable[str]:
    if kind in {"text", "numeric text"}:
        if not value:
            yield "empty text"
        elif not value.isascii() and max(value) > "\uffff":
            yield "characters of 4 bytes"
        if not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
            yield "half a surrogate pair"
        if "\x00" in value:
            yield "zero characters"
    elif kind == "array" and not value:
        yield "empty array"
    elif kind in {"integer", "number"} and value < 0:
        yield "negative"
    elif kind == "time":
        if value["epoch_time"] % 1:
            yield "time with a fraction of a second"
        if value["timezone"] not in {"+00:00", "Z"}:
            yield "time in another zone"
    elif kind == "object" and any("." in name or "$" in name for name in value):
        yield "names with dots or dollars"
    if kind == "integer" and abs(value) > EXACT_INTEGERS:
        yield "integer above 2^53"


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else spell_json(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def as_json(profiles: Iterable[TableProfile]) -> list[dict[str, Any]]:
    return [
        {
            "table": each.table.name,
            "documents": each.documents,
            "bytes": each.bytes,
            "largest": each.largest,
            "key": each.table.key,
            "candidate_keys": [spell(path) for path in each.candidate_keys()],
            "indexes": [
                {"name": index.name, "multi": index.multi, "geo": index.geo, "query": index.query}
                for index in each.table.indexes
            ],
            "paths": {spell(path): _path_as_json(found) for path, found in each.paths.items()},
        }
        for each in profiles
    ]


def _path_as_json(found: PathProfile) -> dict[str, Any]:
    return {
        "count": found.count,
        "missing": found.missing,
        "distinct": found.distinct.estimate(),
        "kinds": {name: vars(seen) for name, seen in found.kinds.items()},
        "oddities": {name: vars(seen) for name, seen in found.oddities.items()},
        "common": found.common,
    }
