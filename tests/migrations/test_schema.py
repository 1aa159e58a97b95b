from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from migrations import schema
from migrations.database_url import synchronous
from schema.tables import metadata

REGIONS = 3
UPGRADE_SECONDS = 60


@contextmanager
def connected(database_url: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(synchronous(database_url), poolclass=sa.NullPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def tables_of(database_url: str) -> set[str]:
    with connected(database_url) as connection:
        return set(sa.inspect(connection).get_table_names())


def differences(database_url: str) -> list[object]:
    with connected(database_url) as connection:
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata))


@pytest.fixture
def upgraded(fresh_database: Callable[[], str]) -> str:
    url = fresh_database()
    schema.upgrade(url)
    return url


def test_migrations_make_the_tables_that_the_code_expects(upgraded: str) -> None:
    assert differences(upgraded) == []


def test_the_comparison_sees_a_missing_index_and_a_missing_column(upgraded: str) -> None:
    with connected(upgraded) as connection:
        connection.execute(sa.text("ALTER TABLE documents DROP COLUMN digest"))
        connection.execute(sa.text("ALTER TABLE place_kinds ADD COLUMN colour VARCHAR(10)"))
        connection.commit()
    assert len(differences(upgraded)) == 2


def test_migrations_make_the_primary_keys_that_the_code_expects(upgraded: str) -> None:
    with connected(upgraded) as connection:
        inspector = sa.inspect(connection)
        made = {name: inspector.get_pk_constraint(name)["constrained_columns"] for name in metadata.tables}
    assert made == {name: list(table.primary_key.columns.keys()) for name, table in metadata.tables.items()}


def test_every_table_has_a_primary_key_that_no_server_hands_out() -> None:
    for table in metadata.tables.values():
        assert table.primary_key.columns
        assert table.autoincrement_column is None


def test_a_new_database_has_no_version(fresh_database: Callable[[], str]) -> None:
    assert schema.current(fresh_database()) is None


def test_upgrade_reaches_the_newest_version_and_may_be_repeated(fresh_database: Callable[[], str]) -> None:
    url = fresh_database()
    assert schema.upgrade(url) == schema.newest()
    assert schema.upgrade(url) == schema.newest()
    assert differences(url) == []


def test_three_regions_upgrade_one_database_at_once(fresh_database: Callable[[], str]) -> None:
    url = fresh_database()
    command = [sys.executable, "-m", "migrations", "schema", "upgrade", "--to", url]
    regions = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(REGIONS)]
    said = [region.communicate(timeout=UPGRADE_SECONDS)[0] for region in regions]
    assert said == [f"schema at {schema.newest()}\n"] * REGIONS
    assert differences(url) == []


def test_a_version_that_was_overtaken_is_forgotten(upgraded: str) -> None:
    with connected(upgraded) as connection:
        connection.execute(sa.text("INSERT INTO alembic_version VALUES ('0001')"))
        connection.commit()
    assert schema.current(upgraded) == schema.newest()
    assert schema.upgrade(upgraded) == schema.newest()
    with connected(upgraded) as connection:
        assert list(connection.scalars(sa.text("SELECT version_num FROM alembic_version"))) == [schema.newest()]


def test_a_version_that_moves_on_while_others_are_forgotten_stays(
    upgraded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: list[str] = []

    def noted_a_moment_ago(connection: sa.Connection) -> Sequence[str]:
        if moved:
            return noted(connection)
        moved.append(str(schema.newest()))
        return ("0001", "0002")

    noted = schema._noted
    monkeypatch.setattr(schema, "_noted", noted_a_moment_ago)
    assert schema.upgrade(upgraded, "0001") == schema.newest()
    with connected(upgraded) as connection:
        assert list(connection.scalars(sa.text("SELECT version_num FROM alembic_version"))) == moved


def test_upgrade_completes_one_that_was_interrupted(fresh_database: Callable[[], str]) -> None:
    url = fresh_database()
    with connected(url) as connection:
        metadata.tables["documents"].create(connection)
        metadata.tables["terms"].create(connection)
        connection.commit()
    assert schema.upgrade(url) == schema.newest()
    assert differences(url) == []


def test_upgrade_keeps_rows_that_are_there(upgraded: str) -> None:
    documents = metadata.tables["documents"]
    with connected(upgraded) as connection:
        connection.execute(sa.insert(documents).values(key="ge", version=7, digest="0" * 64, changed_at=1))
        connection.commit()
    schema.upgrade(upgraded)
    with connected(upgraded) as connection:
        assert connection.scalar(sa.select(documents.c.version)) == 7


def test_downgrade_to_nothing_leaves_no_table_of_ours(upgraded: str) -> None:
    assert schema.downgrade(upgraded, "base") is None
    assert tables_of(upgraded) <= {"alembic_version"}


def test_upgrade_gives_up_when_the_database_stays_away(tmp_path: object) -> None:
    pauses: list[float] = []
    with pytest.raises(sa.exc.OperationalError):
        schema.upgrade(f"sqlite:///{tmp_path}/missing/trial.db", sleep=pauses.append)
    assert len(pauses) == schema.ATTEMPTS - 1
