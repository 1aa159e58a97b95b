"""The one place that knows what the databases and their drivers say when something goes wrong.

MySQL's family is told by its error number, SQLite by its message, the pool by its own exception. What is not listed
here is a defect of ours and passes through, for the mesh to log and to answer as internal.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from schema.errors import Invalid, MeshError, TimedOut, TooMany, Unavailable
from whirlpool.galera import TOO_LARGE

logger = logging.getLogger(__name__)


class Contended(Unavailable):
    """Another transaction was first; nothing of this one has happened, and the whole of it may be run again."""


class InDoubt(Unavailable):
    """The connection broke during COMMIT: the transaction has happened, or will, or never does."""


CONTENDED = "others are writing the same data"
UNREACHABLE = "the database of this node cannot be reached"
NOT_READY = "the database of this node is not ready"
READ_ONLY = "the database of this node is read-only"
NO_SCHEMA = "the database of this node has not got its tables yet"
OVERLOADED = "the database of this node accepts no more connections"
INTERRUPTED = "the database of this node broke off"
TOO_SLOW = "the database of this node took too long"
CONTRADICTION = "the rows contradict each other"
UNFIT = "a value does not fit its column"
TOO_MUCH = "too many changes for one transaction: make several smaller ones of it"
UNKNOWN = "the database broke off while it committed: whether the change happened is not known"

DUPLICATE = 1062

BY_NUMBER: Mapping[int, tuple[type[MeshError], str]] = {
    1020: (Contended, CONTENDED),  # record has changed since last read: snapshot isolation of newer MariaDB
    1205: (Contended, CONTENDED),  # lock wait timeout exceeded
    1213: (Contended, CONTENDED),  # deadlock; in Galera also a certification conflict, even at COMMIT
    3101: (Contended, CONTENDED),  # the replication plugin asked for a rollback
    1047: (Unavailable, NOT_READY),  # WSREP has not yet prepared node for application use
    1053: (Unavailable, NOT_READY),  # server shutdown in progress
    1158: (Unavailable, INTERRUPTED),  # error reading communication packets
    1159: (Unavailable, INTERRUPTED),
    1160: (Unavailable, INTERRUPTED),
    1161: (Unavailable, INTERRUPTED),
    1180: (Unavailable, INTERRUPTED),  # got error ... during COMMIT; some of these have words of their own below
    1317: (Unavailable, INTERRUPTED),  # query execution was interrupted
    1927: (Unavailable, INTERRUPTED),  # connection was killed
    0: (Unavailable, UNREACHABLE),  # the driver's own: not connected any more
    2002: (Unavailable, UNREACHABLE),
    2003: (Unavailable, UNREACHABLE),  # can't connect
    2005: (Unavailable, UNREACHABLE),  # unknown host
    2006: (Unavailable, UNREACHABLE),  # has gone away
    2013: (Unavailable, UNREACHABLE),  # lost connection during query
    2055: (Unavailable, UNREACHABLE),
    4031: (Unavailable, UNREACHABLE),  # disconnected by the server because of inactivity
    1044: (Unavailable, UNREACHABLE),  # access denied to the database
    1045: (Unavailable, UNREACHABLE),  # access denied for the user
    1142: (Unavailable, NO_SCHEMA),  # command denied to the user for the table
    1049: (Unavailable, NO_SCHEMA),  # unknown database
    1146: (Unavailable, NO_SCHEMA),  # table doesn't exist
    1290: (Unavailable, READ_ONLY),  # running with --read-only
    1792: (Unavailable, READ_ONLY),
    1836: (Unavailable, READ_ONLY),
    1021: (Unavailable, READ_ONLY),  # disk full
    1114: (Unavailable, READ_ONLY),  # the table is full
    1040: (TooMany, OVERLOADED),  # too many connections
    1203: (TooMany, OVERLOADED),
    1226: (TooMany, OVERLOADED),
    1969: (TimedOut, TOO_SLOW),  # max_statement_time exceeded
    3024: (TimedOut, TOO_SLOW),  # maximum statement execution time exceeded
    DUPLICATE: (Invalid, CONTRADICTION),  # duplicate entry
    1216: (Invalid, CONTRADICTION),
    1452: (Invalid, CONTRADICTION),  # a foreign key constraint fails
    1048: (Invalid, UNFIT),  # column cannot be null
    1264: (Invalid, UNFIT),  # out of range
    1366: (Invalid, UNFIT),  # incorrect string value
    1406: (Invalid, UNFIT),  # data too long
    1153: (Invalid, UNFIT),  # got a packet bigger than max_allowed_packet
}

BY_WORDS: Mapping[str, tuple[type[MeshError], str]] = {
    "lock deadlock; retry transaction": (Contended, CONTENDED),  # 1180: certification failed
    **dict.fromkeys(TOO_LARGE, (Invalid, TOO_MUCH)),
}
"""Where a number of MySQL's family stands for several things."""
SEVERAL_THINGS = (1105, 1180)

BY_MESSAGE: Mapping[str, tuple[type[MeshError], str]] = {
    "is locked": (Contended, CONTENDED),
    "unable to open database file": (Unavailable, UNREACHABLE),
    "disk i/o error": (Unavailable, UNREACHABLE),
    "database disk image is malformed": (Unavailable, UNREACHABLE),
    "file is not a database": (Unavailable, UNREACHABLE),
    "readonly database": (Unavailable, READ_ONLY),
    "database or disk is full": (Unavailable, READ_ONLY),
    "no such table": (Unavailable, NO_SCHEMA),
    "unique constraint failed": (Invalid, CONTRADICTION),
    "foreign key constraint failed": (Invalid, CONTRADICTION),
    "not null constraint failed": (Invalid, UNFIT),
    "datatype mismatch": (Invalid, UNFIT),
    "string or blob too big": (Invalid, UNFIT),
}


def translate(error: BaseException) -> MeshError | None:
    """What a stranger may know of this error; None where it is a defect of ours."""
    if isinstance(error, PoolTimeout):
        return TooMany("all database connections of this node are in use")
    if isinstance(error, TimeoutError):
        return TimedOut("the deadline passed while the database worked")
    if isinstance(error, OSError):
        return Unavailable(UNREACHABLE)
    if isinstance(error, OverflowError | UnicodeEncodeError):
        return Invalid(UNFIT)
    return _of_driver(error) if isinstance(error, DBAPIError) else None


@contextmanager
def translated() -> Iterator[None]:
    """Errors of drivers leave this block as errors of ours; the driver's own words go to the log only."""
    try:
        yield
    except Exception as error:
        ours = translate(error)
        if ours is None:
            raise
        logger.log(logging.DEBUG if isinstance(ours, Contended) else logging.WARNING, "%s: %s", ours.message, error)
        raise ours from error


@contextmanager
def in_doubt() -> Iterator[None]:
    """Around a COMMIT: unless the database says that it was not done, nobody knows."""
    try:
        yield
    except DBAPIError as error:
        if type(translate(error)) is not Unavailable:
            raise
        logger.warning("%s: %s", UNKNOWN, error)
        raise InDoubt(UNKNOWN) from error


def says_duplicate(error: DBAPIError) -> bool:
    """Whether a row could not be inserted because one with its key is there."""
    original = error.orig
    if original is None or not original.args:
        return False
    if isinstance(original, sqlite3.Error):
        return "unique constraint failed" in str(original).lower()
    return bool(original.args[0] == DUPLICATE)


def _of_driver(error: DBAPIError) -> MeshError | None:
    kind = _listed(error.orig)
    if kind is None and error.connection_invalidated:
        kind = (Unavailable, UNREACHABLE)
    return kind and kind[0](kind[1])


def _listed(original: BaseException | None) -> tuple[type[MeshError], str] | None:
    if original is None or not original.args:
        return None
    if isinstance(original, sqlite3.Error):
        return _said(original, BY_MESSAGE)
    number = original.args[0]
    if not isinstance(number, int):
        return None
    by_words = _said(original, BY_WORDS) if number in SEVERAL_THINGS else None
    return by_words or BY_NUMBER.get(number)


def _said(
    original: BaseException, known: Mapping[str, tuple[type[MeshError], str]]
) -> tuple[type[MeshError], str] | None:
    said = str(original).lower()
    return next((kind for words, kind in known.items() if words in said), None)
