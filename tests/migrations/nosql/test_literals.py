from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from migrations.nosql import literals
from migrations.nosql.cells import HIGH, LOW, Cell
from migrations.nosql.target import reached
from tests.mariadb import Member

TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("'\\\"\0%\x1a\n"))
CELLS = st.none() | st.integers(LOW, HIGH) | st.floats(allow_nan=False, allow_infinity=False) | st.binary() | TEXTS


@pytest.fixture(scope="module")
def session(member: Member) -> Iterator[sa.Connection]:
    with reached(member.fresh_database()) as engine, engine.connect() as connection:
        yield connection


@given(st.lists(CELLS, min_size=1, max_size=20))
@example(["\\", "'", "\\'", "''", "%s %% \\0 \0", "\U0001f40c", b"", b"'\\\x00", 1e300, 5e-324, -0.0, LOW, HIGH])
@settings(deadline=None)
def test_the_database_reads_what_was_spelled(session: sa.Connection, row: list[Cell]) -> None:
    (spelled,) = literals.rows([row])
    columns = ", ".join(f"c{number}" for number in range(len(row)))
    read = session.exec_driver_sql(f"WITH spelled ({columns}) AS (VALUES %s) SELECT * FROM spelled", (spelled,)).one()
    assert [(type(cell), cell) for cell in read] == [(type(cell), cell) for cell in row]


@given(st.lists(st.lists(TEXTS, min_size=1, max_size=3), max_size=20), st.integers(1, 50))
def test_a_statement_is_short_unless_one_row_is_long(rows: list[list[Cell]], characters: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(literals, "CHARACTERS", characters)
        parts = list(literals.rows(rows))
    assert ",".join(part.sql for part in parts) == ",".join(f"({','.join(map(literals.literal, row))})" for row in rows)
    assert sum(part.number for part in parts) == len(rows)
    assert all(part.number == 1 or len(part.sql) < characters + part.number for part in parts)


def test_an_error_tells_how_many_rows_there_were_and_shows_none(session: sa.Connection) -> None:
    (spelled,) = literals.rows([["a secret"], ["another"]])
    with pytest.raises(sa.exc.DBAPIError, match=r"Rows\(number=2\)") as refused:
        session.exec_driver_sql("INSERT INTO nowhere VALUES %s", (spelled,))
    assert "secret" not in str(refused.value)
