"""The journal against the database: what was acknowledged is there, whatever the clients remember of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.drills import tables
from tests.drills.contracts import ADD, INSERT, TRANSACT, TRANSFER
from tests.drills.history import Anomaly, Kind, Outcome
from tests.drills.journal import read_journal
from tests.drills.workloads import Rows

CONTROL = "control"
"""Clients of the positive control are called so; of what they did, losses are expected."""


def said(journal: Path) -> list[dict[str, Any]]:
    """Of the mesh's clients."""
    return [entry for entry in read_journal(journal) if not entry["key"].startswith(CONTROL)]


def changes(entry: Mapping[str, Any]) -> int:
    """How many rows that write changed or added, beside its key's."""
    request = entry["request"]
    if entry["action"] == INSERT.name:
        return len(request["elements"])
    if entry["action"] == TRANSACT.name:
        return sum(step["element"] is not None for step in request["steps"])
    return 2 if entry["action"] == TRANSFER.name else 1


def reconcile(journal: Path, ask: Rows) -> list[Anomaly]:
    entries = said(journal)
    return [*_twice(entries), *_elements(entries, ask), *_counters(entries, ask)]


def _twice(entries: list[dict[str, Any]]) -> Iterator[Anomaly]:
    for key, times in Counter(entry["key"] for entry in entries).items():
        if times > 1:
            yield Anomaly(Kind.DOUBLED, f"{key} is in the journal {times} times")


def _elements(entries: list[dict[str, Any]], ask: Rows) -> Iterator[Anomaly]:
    there = set(ask(f"SELECT name, element FROM localgroup.{tables.elements.name}"))
    for request in _acknowledged(entries, INSERT.name):
        for element in request["elements"]:
            if (request["name"], element) not in there:
                yield Anomaly(Kind.LOST, f"the journal has {element} of {request['name']}")


def _counters(entries: list[dict[str, Any]], ask: Rows) -> Iterator[Anomaly]:
    sums: Counter[str] = Counter()
    for request in _acknowledged(entries, ADD.name):
        sums[request["counter"]] += request["amount"]
    values: dict[str, int] = dict(ask(f"SELECT name, value FROM localgroup.{tables.counters.name}"))
    for name, at_least in sums.items():
        if values[name] < at_least:
            yield Anomaly(Kind.LOST, f"the journal has {at_least} of {name}, the database {values[name]}")


def _acknowledged(entries: list[dict[str, Any]], action: str) -> Iterator[Mapping[str, Any]]:
    return (
        entry["request"] for entry in entries if entry["action"] == action and entry["outcome"] == Outcome.ACKNOWLEDGED
    )
