"""The simulated mesh, small."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import discovery, discovery_table
from bench.report import Row

NODES, ACTIONS = 30, 10


@pytest.fixture(scope="module")
def rows() -> Iterator[list[Row]]:
    logger = logging.getLogger("broker")
    level = logger.level
    yield discovery.run(NODES, ACTIONS)
    logger.setLevel(level)


def value(rows: list[Row], case: str, contender: str) -> float:
    return next(row.value for row in rows if (row.case, row.contender) == (case, contender))


@pytest.mark.parametrize("contender", discovery.CONTENDERS)
def test_makes_every_node_know_every_other(rows: list[Row], contender: str) -> None:
    assert 0 < value(rows, "start: all know all", contender) < discovery.STORM_SECONDS
    assert value(rows, "start: packets delivered", contender) >= NODES * NODES
    assert value(rows, "start: memory, one node", contender) > 0


def test_repairs_a_missed_info_by_our_rules_and_not_by_theirs(rows: list[Row]) -> None:
    assert value(rows, "missed INFO: unaware after 20 s", "localgroup") == 0
    assert value(rows, "missed INFO: unaware after 20 s", "moleculer-0.15") == NODES // 2


def test_notices_that_a_node_is_gone_within_three_heartbeats(rows: list[Row]) -> None:
    assert value(rows, "gone: noticed by the last", "localgroup") <= 3 * 5.5 + 1
    assert value(rows, "gone: noticed by the last", "moleculer-0.15") <= 60


def test_asks_next_to_nothing_of_a_node_that_is_heard_again_and_is_what_it_was(rows: list[Row]) -> None:
    assert value(rows, "heard again: packets sent", "localgroup") <= NODES / 5
    assert value(rows, "heard again: packets sent", "moleculer-0.15") == 2 * (NODES - 1)


def test_writes_its_table_where_the_document_has_a_place_for_it(rows: list[Row], tmp_path: Path) -> None:
    document = tmp_path / "discovery.md"
    document.write_text(f"above\n{discovery_table.BEGIN}\nold\n{discovery_table.END}\nbelow\n")
    discovery_table.write(document, rows, NODES, ACTIONS)
    text = document.read_text()
    assert text.startswith("above\n")
    assert text.endswith("\nbelow\n")
    assert "old" not in text
    assert "| gone: noticed by the last |" in text


def test_says_that_a_document_has_no_place_for_a_table(rows: list[Row], tmp_path: Path) -> None:
    document = tmp_path / "other.md"
    document.write_text("nothing")
    with pytest.raises(ValueError, match="no place"):
        discovery_table.write(document, rows, NODES, ACTIONS)
