"""The SQL tables of the course catalogue, as whirlpool reads and writes them and as alembic compares them.

One document is one clustered range: every primary key is natural and begins with what names the document (a term,
a quarter), because a document is read and replaced whole. No key is handed out by the server: Galera needs a primary
key in every table, and promises no gap-free numbers.

Keys are numbers and positions, not names. A binary collation of MariaDB and Percona still ignores trailing spaces
when it compares, and the collations that do not are called differently in the two; a position has neither problem.
The one name that must be a key, a subject's code, is kept as bytes (`ExactText`).

Foreign keys bind rows to their own document only, and to texts, which are never deleted. So a transaction certified
by Galera meets another one's foreign keys only where both write the same document and collide anyway. None cascades:
Galera replicates rows, and rows removed by a cascade inside the engine have diverged members before.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.schema import SchemaItem
from sqlalchemy.types import TypeDecorator, TypeEngine

from schema.jobs import HOLDER_LENGTH, JOB_LENGTH
from schema.outbox import TOPIC_LENGTH

NAME_LENGTH = 190
TEXT_ID_BYTES = 16
"""Half a SHA-256: two different texts meet in it once in 10^19 catalogues like this one."""
FOLDED_NAMES_LENGTH = 1_000
"""What a search can find of a class's instructors, in characters."""
UTF8_BYTES = 4
"""A character's, at most."""
KEY_LENGTH = 100
DIGEST_LENGTH = 64
KEY_DIGEST_BYTES = 16
WORK_ID_BYTES = 16
NODE_LENGTH = 128
BLOB_BYTES_MAX = 65_535
"""What a BLOB of MySQL's family holds."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class ExactText(TypeDecorator[str]):
    """Text that equals only itself, trailing spaces and letter case included, and sorts by code point.

    MySQL's family keeps it as bytes, which it also searches two to four times as fast as characters.
    """

    impl = String
    cache_ok = True

    def __init__(self, length: int | None = None) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if not _counts_bytes(dialect):
            return dialect.type_descriptor(String(self.length) if self.length else Text())
        return dialect.type_descriptor(mysql.VARBINARY(UTF8_BYTES * self.length) if self.length else mysql.BLOB())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        return value.encode() if value is not None and _counts_bytes(dialect) else value

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return value.decode() if isinstance(value, bytes) else value


def _counts_bytes(dialect: Dialect) -> bool:
    return dialect.name in {"mysql", "mariadb"}


def _table(name: str, *items: SchemaItem) -> Table:
    return Table(name, metadata, *items, mysql_engine="InnoDB", mysql_charset="utf8mb4", mysql_collate="utf8mb4_bin")


def _position(name: str = "position") -> Column[int]:
    """A place in the document's order, from 0; part of the primary key."""
    return Column(name, Integer, primary_key=True, autoincrement=False)


def _name(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, String(NAME_LENGTH), nullable=nullable)


def _term() -> Column[str]:
    return Column("term", String(4), primary_key=True)


def _meeting_columns() -> list[Column[Any]]:
    return [
        Column("days", String(7)),
        Column("starts", String(5)),
        Column("ends", String(5)),
        Column("cancelled", Boolean, nullable=False),
        _name("location", nullable=True),
        Column("missing", String(32), nullable=False),
    ]


documents = _table(
    "documents",
    Column("key", String(KEY_LENGTH), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("digest", String(DIGEST_LENGTH), nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)
"""One row a document, changed in the transaction that changes its rows: who holds this row writes the document."""

terms = _table(
    "terms",
    Column("code", String(4), primary_key=True),
    Column("position", Integer, nullable=False),
    _name("name"),
    Column("starts", String(32), nullable=False),
    Column("ends", String(32), nullable=False),
)

subjects = _table("subjects", Column("code", ExactText(NAME_LENGTH), primary_key=True), _name("label", nullable=True))
"""Every subject that a term has listed, and those that only have a name."""

# --- terms/<code> ---------------------------------------------------------------------------------------------

term_subjects = _table("term_subjects", _term(), _position(), _name("subject"))

classes = _table(
    "classes",
    _term(),
    _position(),
    _name("subject"),
    _name("course"),
    _name("section"),
    _name("title"),
    Column("number", Integer),
    _name("capacity", nullable=True),
    _name("first_name", nullable=True),
    _name("last_name", nullable=True),
    _name("middle_name", nullable=True),
    Column("duplicate", Boolean),
    Column("missing", String(32), nullable=False),
)

meetings = _table(
    "meetings",
    _term(),
    _position("class_position"),
    _position(),
    *_meeting_columns(),
    ForeignKeyConstraint(["term", "class_position"], ["classes.term", "classes.position"]),
)

class_instructors = _table(
    "class_instructors",
    _term(),
    _position("class_position"),
    _position(),
    _name("name"),
    ForeignKeyConstraint(["term", "class_position"], ["classes.term", "classes.position"]),
)

class_search = _table(
    "class_search",
    _term(),
    _position(),
    Column("number", Integer),
    Column("subject", ExactText(NAME_LENGTH), nullable=False),
    Column("folded_subject", ExactText(NAME_LENGTH), nullable=False),
    Column("folded_course", ExactText(NAME_LENGTH), nullable=False),
    Column("folded_title", ExactText(NAME_LENGTH), nullable=False),
    Column("folded_names", ExactText(FOLDED_NAMES_LENGTH), nullable=False),
    ForeignKeyConstraint(["term", "position"], ["classes.term", "classes.position"]),
)
"""What a search reads of a class, in lower case: the two databases fold letters differently, so we do it."""

# --- courses/<code> -------------------------------------------------------------------------------------------

texts = _table(
    "texts",
    Column("id", LargeBinary(TEXT_ID_BYTES).with_variant(mysql.BINARY(TEXT_ID_BYTES), "mysql"), primary_key=True),
    Column("body", Text, nullable=False),
    Column("folded", ExactText, nullable=False),
)
"""Descriptions and requirements, each distinct text once: the same 8,600 descriptions return term after term."""

courses = _table(
    "courses",
    _term(),
    _position("number"),
    Column("position", Integer, nullable=False),
    Column("known", Boolean, nullable=False),
    _name("kind"),
    _name("credits"),
    Column("description_id", ForeignKey("texts.id"), nullable=False),
    Column("requirements_id", ForeignKey("texts.id")),
    Index("ix_courses_description_id", "description_id"),
    Index("ix_courses_requirements_id", "requirements_id"),
)

_course = (["term", "number"], ["courses.term", "courses.number"])

course_general_education = _table(
    "course_general_education",
    _term(),
    _position("number"),
    _position(),
    _name("label"),
    ForeignKeyConstraint(*_course),
)

course_combined = _table(
    "course_combined",
    _term(),
    _position("number"),
    _position(),
    _name("label"),
    ForeignKeyConstraint(*_course),
)

sections = _table(
    "sections",
    _term(),
    _position("number"),
    _position(),
    _name("section_number"),
    _name("section"),
    _name("instructor", nullable=True),
    _name("capacity", nullable=True),
    ForeignKeyConstraint(*_course),
)

section_meetings = _table(
    "section_meetings",
    _term(),
    _position("number"),
    _position("section_position"),
    _position(),
    *_meeting_columns(),
    ForeignKeyConstraint(
        ["term", "number", "section_position"], ["sections.term", "sections.number", "sections.position"]
    ),
)

# --- the small documents --------------------------------------------------------------------------------------


def _quarter() -> Column[str]:
    return Column("quarter", String(6), primary_key=True)


offered_courses = _table("offered_courses", _quarter(), _position(), _name("course"))

offerings = _table(
    "offerings",
    _quarter(),
    _position("course_position"),
    Column("year", String(4), primary_key=True),
    Column("classes", Integer, nullable=False),
    ForeignKeyConstraint(["quarter", "course_position"], ["offered_courses.quarter", "offered_courses.position"]),
)

general_education = _table("general_education", _position(), _name("code"), _name("label", nullable=True))

ratings = _table("ratings", _position(), _name("code"), _name("label", nullable=True))

place_kinds = _table("place_kinds", _position(), _name("kind"))

places = _table(
    "places",
    _position("kind_position"),
    _position(),
    Column("latitude", Double, nullable=False),
    Column("longitude", Double, nullable=False),
    _name("label"),
    ForeignKeyConstraint(["kind_position"], ["place_kinds.position"]),
)

# --- how the tier keeps its promises ---------------------------------------------------------------------------


def _binary(name: str, length: int, **options: Any) -> Column[bytes]:
    return Column(name, LargeBinary(length).with_variant(mysql.BINARY(length), "mysql"), nullable=False, **options)


recorded_answers = _table(
    "recorded_answers",
    _binary("id", KEY_DIGEST_BYTES, primary_key=True),
    _binary("request", KEY_DIGEST_BYTES),
    Column("answer", LargeBinary),
    Column("recorded_at", BigInteger, nullable=False),
    Index("ix_recorded_answers_recorded_at", "recorded_at"),
)
"""What was answered to each idempotency key, written in the transaction that had the effect. `id` is a digest of action
and key, `request` one of the request, `recorded_at` in epoch milliseconds."""

canaries = _table(
    "canaries",
    Column("node", String(NODE_LENGTH), primary_key=True),
    Column("written_at", BigInteger, nullable=False),
)
"""One row a whirlpool, written about once a second: the newest `written_at`, in epoch milliseconds, tells how old all
that can be read here may be."""

jobs = _table(
    "jobs",
    Column("name", String(JOB_LENGTH), primary_key=True),
    Column("slot", BigInteger, nullable=False),
    Column("done_slot", BigInteger, nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("holder", String(HOLDER_LENGTH), nullable=False),
    Column("leased_until", BigInteger, nullable=False),
    Column("steps", BigInteger, nullable=False),
)
"""The lease of each job: `token` grows with each claim, `leased_until` is in epoch milliseconds and 0 where nobody
holds it, `slot` is the one that was begun last and `done_slot` the one that was finished last. `steps` counts what was
done under leases: each step writes this row, so that a claim elsewhere and a step here are not both committed."""

outbox = _table(
    "outbox",
    _binary("id", WORK_ID_BYTES, primary_key=True),
    Column("topic", String(TOPIC_LENGTH), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("due_at", BigInteger),
    Column("token", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Index("ix_outbox_topic_due_at", "topic", "due_at"),
)
"""Work to be done after `due_at`, epoch milliseconds; none where it was attempted too often. Taking it moves `due_at`
to the end of the taker's time, and makes `token` grow."""
