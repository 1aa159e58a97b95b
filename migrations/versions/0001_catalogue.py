"""The course catalogue: documents, their rows, and what a search reads."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from migrations.repeatable import create_index, create_table, drop_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "documents",
    "terms",
    "subjects",
    "term_subjects",
    "classes",
    "meetings",
    "class_instructors",
    "class_search",
    "texts",
    "courses",
    "course_general_education",
    "course_combined",
    "sections",
    "section_meetings",
    "offered_courses",
    "offerings",
    "general_education",
    "ratings",
    "place_kinds",
    "places",
)
"""In the order in which foreign keys allow them to be created."""

NAME = sa.String(190)
EXACT_NAME = sa.String(190).with_variant(mysql.VARBINARY(760), "mysql")
EXACT_NAMES = sa.String(1000).with_variant(mysql.VARBINARY(4000), "mysql")
EXACT_TEXT = sa.Text().with_variant(mysql.BLOB(), "mysql")
TEXT_ID = sa.LargeBinary(16).with_variant(mysql.BINARY(16), "mysql")


def upgrade() -> None:
    _create_documents()
    _create_term_documents()
    _create_texts()
    _create_courses_documents()
    _create_small_documents()


def downgrade() -> None:
    for table in reversed(TABLES):
        drop_table(table)


def _create_documents() -> None:
    create_table(
        "documents",
        _column("key", sa.String(100)),
        _column("version", sa.Integer()),
        _column("digest", sa.String(64)),
        _column("changed_at", sa.BigInteger()),
        _key("documents", "key"),
    )
    create_table(
        "terms",
        _column("code", sa.String(4)),
        _column("position", sa.Integer()),
        _column("name", NAME),
        _column("starts", sa.String(32)),
        _column("ends", sa.String(32)),
        _key("terms", "code"),
    )
    create_table("subjects", _column("code", EXACT_NAME), _optional("label", NAME), _key("subjects", "code"))


def _create_term_documents() -> None:
    create_table(
        "term_subjects",
        *_place("term", "position"),
        _column("subject", NAME),
        _key("term_subjects", "term", "position"),
    )
    create_table(
        "classes",
        *_place("term", "position"),
        _column("subject", NAME),
        _column("course", NAME),
        _column("section", NAME),
        _column("title", NAME),
        _optional("number", sa.Integer()),
        _optional("capacity", NAME),
        _optional("first_name", NAME),
        _optional("last_name", NAME),
        _optional("middle_name", NAME),
        _optional("duplicate", sa.Boolean()),
        _column("missing", sa.String(32)),
        _key("classes", "term", "position"),
    )
    create_table(
        "meetings",
        *_place("term", "class_position", "position"),
        *_meeting_columns(),
        _key("meetings", "term", "class_position", "position"),
        _reference("meetings", ["term", "class_position"], ["classes.term", "classes.position"]),
    )
    create_table(
        "class_instructors",
        *_place("term", "class_position", "position"),
        _column("name", NAME),
        _key("class_instructors", "term", "class_position", "position"),
        _reference("class_instructors", ["term", "class_position"], ["classes.term", "classes.position"]),
    )
    create_table(
        "class_search",
        *_place("term", "position"),
        _optional("number", sa.Integer()),
        _column("subject", EXACT_NAME),
        _column("folded_subject", EXACT_NAME),
        _column("folded_course", EXACT_NAME),
        _column("folded_title", EXACT_NAME),
        _column("folded_names", EXACT_NAMES),
        _key("class_search", "term", "position"),
        _reference("class_search", ["term", "position"], ["classes.term", "classes.position"]),
    )


def _create_texts() -> None:
    create_table(
        "texts",
        _column("id", TEXT_ID),
        _column("body", sa.Text()),
        _column("folded", EXACT_TEXT),
        _key("texts", "id"),
    )


def _create_courses_documents() -> None:
    create_table(
        "courses",
        *_place("term", "number"),
        _column("position", sa.Integer()),
        _column("known", sa.Boolean()),
        _column("kind", NAME),
        _column("credits", NAME),
        _column("description_id", TEXT_ID),
        _optional("requirements_id", TEXT_ID),
        _key("courses", "term", "number"),
        _reference("courses", ["description_id"], ["texts.id"]),
        _reference("courses", ["requirements_id"], ["texts.id"]),
    )
    create_index("ix_courses_description_id", "courses", ["description_id"])
    create_index("ix_courses_requirements_id", "courses", ["requirements_id"])
    for table in ("course_general_education", "course_combined"):
        create_table(
            table,
            *_place("term", "number", "position"),
            _column("label", NAME),
            _key(table, "term", "number", "position"),
            _reference(table, ["term", "number"], ["courses.term", "courses.number"]),
        )
    create_table(
        "sections",
        *_place("term", "number", "position"),
        _column("section_number", NAME),
        _column("section", NAME),
        _optional("instructor", NAME),
        _optional("capacity", NAME),
        _key("sections", "term", "number", "position"),
        _reference("sections", ["term", "number"], ["courses.term", "courses.number"]),
    )
    create_table(
        "section_meetings",
        *_place("term", "number", "section_position", "position"),
        *_meeting_columns(),
        _key("section_meetings", "term", "number", "section_position", "position"),
        _reference(
            "section_meetings",
            ["term", "number", "section_position"],
            ["sections.term", "sections.number", "sections.position"],
        ),
    )


def _create_small_documents() -> None:
    create_table(
        "offered_courses",
        _column("quarter", sa.String(6)),
        *_place("position"),
        _column("course", NAME),
        _key("offered_courses", "quarter", "position"),
    )
    create_table(
        "offerings",
        _column("quarter", sa.String(6)),
        *_place("course_position"),
        _column("year", sa.String(4)),
        _column("classes", sa.Integer()),
        _key("offerings", "quarter", "course_position", "year"),
        _reference(
            "offerings", ["quarter", "course_position"], ["offered_courses.quarter", "offered_courses.position"]
        ),
    )
    for table in ("general_education", "ratings"):
        create_table(
            table, *_place("position"), _column("code", NAME), _optional("label", NAME), _key(table, "position")
        )
    create_table("place_kinds", *_place("position"), _column("kind", NAME), _key("place_kinds", "position"))
    create_table(
        "places",
        *_place("kind_position", "position"),
        _column("latitude", sa.Double()),
        _column("longitude", sa.Double()),
        _column("label", NAME),
        _key("places", "kind_position", "position"),
        _reference("places", ["kind_position"], ["place_kinds.position"]),
    )


def _column(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _optional(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=True)


def _place(*names: str) -> list[sa.Column[Any]]:
    """A term, and numbers within it, that together say which row this is. None is handed out by the server."""
    return [
        _column(name, sa.String(4))
        if name == "term"
        else sa.Column(name, sa.Integer(), nullable=False, autoincrement=False)
        for name in names
    ]


def _meeting_columns() -> list[sa.Column[Any]]:
    return [
        _optional("days", sa.String(7)),
        _optional("starts", sa.String(5)),
        _optional("ends", sa.String(5)),
        _column("cancelled", sa.Boolean()),
        _optional("location", NAME),
        _column("missing", sa.String(32)),
    ]


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _reference(table: str, columns: list[str], targets: list[str]) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(columns, targets, name=f"fk_{table}_{'_'.join(columns)}")
