"""What a dump says of a table beside its documents: RethinkDB's `.info`, MongoDB's `.metadata.json`."""

from __future__ import annotations

from typing import Any

from migrations.nosql.sources.json_values import parse
from migrations.nosql.sources.source import SourceBroken, SourceIndex, SourceTable

DEFAULT_KEY = "id"
MONGODB_KEY = "_id"


def read_info(name: str, raw: bytes, place: str) -> SourceTable:
    """`doc_count_estimates` is left aside: it is an estimate, and often a wrong one."""
    try:
        info = parse(raw)
        indexes = tuple(index_of(each) for each in info.get("indexes", []))
        return SourceTable(name, str(info["primary_key"]), None, indexes)
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise SourceBroken("this does not describe a table of RethinkDB", place, 0) from error


def index_of(info: dict[str, Any]) -> SourceIndex:
    return SourceIndex(info["index"], bool(info.get("multi")), bool(info.get("geo")), info.get("query", ""))


def read_metadata(name: str, raw: bytes, place: str) -> SourceTable:
    """MongoDB's indexes, spelled as RethinkDB spells its own: the one language that plans understand."""
    try:
        indexes = [each for each in parse(raw).get("indexes", []) if each.get("name") != "_id_"]
        return SourceTable(
            name, MONGODB_KEY, None, tuple(_of_fields(each["name"], list(each["key"])) for each in indexes)
        )
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise SourceBroken("this does not describe a collection of MongoDB", place, 0) from error


def _of_fields(name: str, fields: list[str]) -> SourceIndex:
    rows = ", ".join("r.row" + "".join(f'("{part}")' for part in field.split(".")) for field in fields)
    return SourceIndex(name, query=f"indexCreate('{name}', r.expr([{rows}]))")
