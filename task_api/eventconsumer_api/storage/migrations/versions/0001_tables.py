"""All tables; what the versions before migrations stored in a SQLite file is kept.

Those versions knew the tables `tasks` and `outbox` with fewer columns. A task of theirs has no known time of
creation: it gets the time of this step.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_row_number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables, and move the rows of earlier versions into them."""
    adopting = sa.inspect(op.get_bind()).has_table("tasks")
    if adopting:
        op.rename_table("tasks", "tasks_before")
        op.rename_table("outbox", "outbox_before")
    _create_tasks()
    _create_outbox()
    _create_deliveries()
    _create_idempotency_keys()
    _create_api_keys()
    if adopting:
        _adopt()


def _adopt() -> None:
    now = datetime.now(UTC)
    op.get_bind().execute(
        sa.text(
            "INSERT INTO tasks (sequence, id, title, status, owner_id, version, created_at, updated_at) "
            "SELECT sequence, id, title, status, owner_id, 1, :now, :now FROM tasks_before"
        ).bindparams(sa.bindparam("now", now, _moment))
    )
    kept = "sequence, id, aggregatetype, aggregateid, type, payload, created_at, rejected_reason"
    op.execute(f"INSERT INTO outbox ({kept}) SELECT {kept} FROM outbox_before")  # noqa: S608  # our own words
    op.drop_table("tasks_before")
    op.drop_table("outbox_before")


def _create_tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("sequence", _row_number, autoincrement=True, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", _moment, nullable=False),
        sa.Column("updated_at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="tasks_pkey"),
        sa.UniqueConstraint("id", name="tasks_id_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("tasks_owner_id_sequence_idx", "tasks", ["owner_id", "sequence"])
    op.create_index("tasks_status_sequence_idx", "tasks", ["status", "sequence"])


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("sequence", _row_number, autoincrement=True, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("aggregatetype", sa.String(50), nullable=False),
        sa.Column("aggregateid", sa.String(36), nullable=False),
        sa.Column("type", sa.String(50), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("created_at", _moment, nullable=False),
        sa.Column("traceparent", sa.String(55), nullable=True),
        sa.Column("rejected_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("sequence", name="outbox_pkey"),
        sqlite_autoincrement=True,
    )
    op.create_index("outbox_aggregateid_idx", "outbox", ["aggregateid"])


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("event_type", sa.String(50), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("published_at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="deliveries_pkey"),
    )


def _create_idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("request_hash", sa.String(64), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("owner", "key", name="idempotency_keys_pkey"),
    )
    op.create_index("idempotency_keys_created_at_idx", "idempotency_keys", ["created_at"])


def _create_api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("admin", sa.Boolean(), nullable=False),
        sa.Column("created_at", _moment, nullable=False),
        sa.Column("revoked_at", _moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name="api_keys_pkey"),
        sa.UniqueConstraint("hash", name="api_keys_hash_key"),
    )
