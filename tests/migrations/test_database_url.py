import pytest

from migrations.database_url import synchronous


@pytest.mark.parametrize(
    "database_url",
    [
        "mysql://user:secret@127.0.1.1:3306/localgroup",
        "mysql+asyncmy://user:secret@127.0.1.1:3306/localgroup",
        "mysql+aiomysql://user:secret@127.0.1.1:3306/localgroup",
        "mariadb://user:secret@127.0.1.1:3306/localgroup",
    ],
)
def test_any_driver_of_the_family_becomes_the_synchronous_one(database_url: str) -> None:
    expected = "mysql+pymysql://user:secret@127.0.1.1:3306/localgroup?charset=utf8mb4"
    assert synchronous(database_url).render_as_string(hide_password=False) == expected


def test_sqlite_keeps_its_path() -> None:
    assert str(synchronous("sqlite+aiosqlite:////tmp/file.db")) == "sqlite:////tmp/file.db"


@pytest.mark.parametrize("database_url", ["", "file.db", "postgresql://127.0.1.1/localgroup"])
def test_refuses_what_the_tables_do_not_run_on(database_url: str) -> None:
    with pytest.raises(ValueError):
        synchronous(database_url)


def test_does_not_repeat_a_password_that_it_refuses() -> None:
    with pytest.raises(ValueError) as refused:
        synchronous("postgresql://user:secret@127.0.1.1/localgroup")
    assert "secret" not in str(refused.value)
