"""The databases' own words, as the servers and drivers really say them."""

from __future__ import annotations

import sqlite3

import asyncmy.errors
import pytest
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from schema.errors import Internal, Invalid, MeshError, TimedOut, TooMany, Unavailable
from whirlpool.driver_errors import BY_NUMBER, TOO_MUCH, Contended, InDoubt, in_doubt, translate, translated

STATEMENT = "INSERT INTO documents VALUES ('secret')"

MYSQL = [
    (1213, "Deadlock found when trying to get lock; try restarting transaction", Contended),
    (1205, "Lock wait timeout exceeded; try restarting transaction", Contended),
    (1020, "Record has changed since last read in table 'documents'", Contended),
    (1180, 'Got error 149 "Lock deadlock; Retry transaction" during COMMIT', Contended),
    (1047, "WSREP has not yet prepared node for application use", Unavailable),
    (1053, "Server shutdown in progress", Unavailable),
    (1317, "Query execution was interrupted", Unavailable),
    (1927, "Connection was killed", Unavailable),
    (2003, "Can't connect to MySQL server on '127.0.1.1' ([Errno 111] Connect call failed)", Unavailable),
    (2006, "MySQL server has gone away (ConnectionResetError(104, 'Connection reset by peer'))", Unavailable),
    (2013, "Lost connection to MySQL server during query ()", Unavailable),
    (1045, "Access denied for user 'localgroup'@'127.0.1.1' (using password: YES)", Unavailable),
    (1146, "Table 'localgroup.documents' doesn't exist", Unavailable),
    (1049, "Unknown database 'localgroup'", Unavailable),
    (
        1290,
        "The MariaDB server is running with the --read-only option so it cannot execute this statement",
        Unavailable,
    ),
    (1836, "Running in read-only mode", Unavailable),
    (1040, "Too many connections", TooMany),
    (1226, "User 'localgroup' has exceeded the 'max_user_connections' resource (current value: 10)", TooMany),
    (1969, "Query execution was interrupted (max_statement_time exceeded)", TimedOut),
    (3024, "Query execution was interrupted, maximum statement execution time exceeded", TimedOut),
    (1062, "Duplicate entry '2168-0' for key 'PRIMARY'", Invalid),
    (1452, "Cannot add or update a child row: a foreign key constraint fails (`localgroup`.`meetings`...)", Invalid),
    (1264, "Out of range value for column 'number' at row 1", Invalid),
    (1366, "Incorrect string value: '\\xF0\\x9F\\x98\\x80' for column `localgroup`.`terms`.`name` at row 1", Invalid),
    (1406, "Data too long for column 'name' at row 1", Invalid),
]
TOO_LARGE = [
    (1105, "Maximum writeset size exceeded"),  # MariaDB Galera, wsrep_max_ws_size
    (1105, "wsrep_max_ws_rows exceeded"),
    (1180, 'Got error 90 "Message too long" during COMMIT'),
    (1105, "Transaction size exceed set threshold"),  # Percona XtraDB Cluster, wsrep_max_ws_size
    (1180, "Got error 5 - 'Transaction size exceed set threshold' during COMMIT"),
]
"""The same numbers are said of other things."""
SQLITE = [
    ("database is locked", Contended),
    ("database table is locked: documents", Contended),
    ("unable to open database file", Unavailable),
    ("disk I/O error", Unavailable),
    ("attempt to write a readonly database", Unavailable),
    ("database or disk is full", Unavailable),
    ("no such table: documents", Unavailable),
    ("UNIQUE constraint failed: classes.term, classes.position", Invalid),
    ("FOREIGN KEY constraint failed", Invalid),
    ("NOT NULL constraint failed: terms.name", Invalid),
]


def from_mysql(number: int, message: str) -> DBAPIError:
    return DBAPIError(STATEMENT, None, asyncmy.errors.OperationalError(number, message))


def from_sqlite(message: str) -> DBAPIError:
    return OperationalError(STATEMENT, None, sqlite3.OperationalError(message))


@pytest.mark.parametrize(("number", "message", "expected"), MYSQL)
def test_knows_what_mysql_says(number: int, message: str, expected: type[MeshError]) -> None:
    error = translate(from_mysql(number, message))
    assert type(error) is expected
    assert message not in str(error)


@pytest.mark.parametrize(("number", "message"), TOO_LARGE)
def test_knows_what_either_server_says_of_too_large_a_transaction(number: int, message: str) -> None:
    error = translate(from_mysql(number, message))
    assert type(error) is Invalid
    assert error.message == TOO_MUCH


def test_the_numbers_that_stand_for_several_things_are_told_apart_by_their_words() -> None:
    assert type(translate(from_mysql(1180, 'Got error 28 "No space left on device" during COMMIT'))) is Unavailable
    assert translate(from_mysql(1105, "Unknown error")) is None


@pytest.mark.parametrize(
    "lost",
    [
        (2013, "Lost connection to MySQL server during query ()"),
        (2006, "MySQL server has gone away (ConnectionResetError(104, 'Connection reset by peer'))"),
        (1927, "Connection was killed"),
        (1317, "Query execution was interrupted"),
        (1047, "WSREP has not yet prepared node for application use"),
        (1180, 'Got error 28 "No space left on device" during COMMIT'),
    ],
)
def test_a_commit_whose_answer_is_lost_is_in_doubt(lost: tuple[int, str]) -> None:
    with pytest.raises(InDoubt, match="not known"), in_doubt():
        raise from_mysql(*lost)


@pytest.mark.parametrize(
    "refused",
    [
        (1213, "Deadlock found when trying to get lock; try restarting transaction"),
        (1180, 'Got error 149 "Lock deadlock; Retry transaction" during COMMIT'),
        (1105, "Maximum writeset size exceeded"),
    ],
)
def test_a_commit_that_the_server_refused_is_not(refused: tuple[int, str]) -> None:
    with pytest.raises(DBAPIError), in_doubt():
        raise from_mysql(*refused)


@pytest.mark.parametrize(("message", "expected"), SQLITE)
def test_knows_what_sqlite_says(message: str, expected: type[MeshError]) -> None:
    assert type(translate(from_sqlite(message))) is expected


def test_every_listed_number_has_words_of_ours() -> None:
    for number, (kind, words) in BY_NUMBER.items():
        assert str(translate(from_mysql(number, "whatever it says"))) == words
        assert issubclass(kind, MeshError)


def test_knows_a_connection_that_broke_whatever_it_said() -> None:
    broken = DBAPIError(STATEMENT, None, asyncmy.errors.InternalError("Packet sequence number wrong"))
    assert translate(broken) is None
    broken.connection_invalidated = True
    assert type(translate(broken)) is Unavailable


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (PoolTimeout("QueuePool limit of size 8 overflow 0 reached"), TooMany),
        (TimeoutError(), TimedOut),
        (ConnectionRefusedError(111, "Connect call failed"), Unavailable),
        (OverflowError("Python int too large to convert to SQLite INTEGER"), Invalid),
    ],
)
def test_knows_what_lies_around_the_drivers(error: Exception, expected: type[MeshError]) -> None:
    assert type(translate(error)) is expected


def test_contention_may_be_tried_again_by_the_caller() -> None:
    assert Contended.retryable
    assert Contended.code == "unavailable"


@pytest.mark.parametrize(
    "defect", [from_mysql(1064, "You have an error in your SQL syntax"), from_sqlite('near "SELEC": syntax error')]
)
def test_a_defect_of_ours_passes_through_for_the_mesh_to_log(defect: DBAPIError) -> None:
    with pytest.raises(DBAPIError), translated():
        raise defect


def test_errors_of_ours_pass_through_as_they_are() -> None:
    ours = Internal("ours")
    with pytest.raises(Internal) as raised, translated():
        raise ours
    assert raised.value is ours


def test_the_drivers_words_stay_behind_as_the_cause() -> None:
    theirs = from_mysql(1213, "Deadlock found when trying to get lock; try restarting transaction")
    with pytest.raises(Contended) as raised, translated():
        raise theirs
    assert raised.value.__cause__ is theirs
