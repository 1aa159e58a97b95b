"""What the data tier keeps its promises with: answers to idempotency keys, and signs of life."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from migrations.repeatable import create_index, create_table, drop_table

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY_DIGEST = sa.LargeBinary(16).with_variant(mysql.BINARY(16), "mysql")


def upgrade() -> None:
    create_table(
        "recorded_answers",
        sa.Column("id", KEY_DIGEST, nullable=False),
        sa.Column("request", KEY_DIGEST, nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_recorded_answers"),
    )
    create_index("ix_recorded_answers_recorded_at", "recorded_answers", ["recorded_at"])
    create_table(
        "canaries",
        sa.Column("node", sa.String(128), nullable=False),
        sa.Column("written_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("node", name="pk_canaries"),
    )


def downgrade() -> None:
    drop_table("canaries")
    drop_table("recorded_answers")
