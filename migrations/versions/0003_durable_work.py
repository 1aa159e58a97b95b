"""Work that outlives processes and regions: leases of jobs, and an outbox."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from migrations.repeatable import create_index, create_table, drop_table

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WORK_ID = sa.LargeBinary(16).with_variant(mysql.BINARY(16), "mysql")


def upgrade() -> None:
    create_table(
        "jobs",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("done_slot", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.String(160), nullable=False),
        sa.Column("leased_until", sa.BigInteger(), nullable=False),
        sa.Column("steps", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_jobs"),
    )
    create_table(
        "outbox",
        sa.Column("id", WORK_ID, nullable=False),
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    create_index("ix_outbox_topic_due_at", "outbox", ["topic", "due_at"])


def downgrade() -> None:
    drop_table("outbox")
    drop_table("jobs")
