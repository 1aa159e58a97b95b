"""Plans that come with the project, for sources whose history it knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.resources import files

from migrations.nosql.plan import Plan
from migrations.nosql.plan_file import read


def texts() -> Iterator[str]:
    for entry in sorted(files("migrations.nosql").joinpath("known").iterdir(), key=lambda each: each.name):
        if entry.name.endswith(".toml"):
            yield entry.read_text(encoding="utf-8")


def find(tables: Iterable[str]) -> tuple[str, Plan] | None:
    """The plan whose tables these are, all of them: its text, and what it means."""
    wanted = set(tables)
    for text in texts():
        plan = read(text)
        if {table.source for table in plan.tables} == wanted:
            return text, plan
    return None
