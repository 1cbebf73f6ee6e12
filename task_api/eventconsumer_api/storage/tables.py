"""The tables. `outbox` has the columns Debezium's outbox router expects: it can replace the relay."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Integer, MetaData, String, Table, Text, Uuid

# SQLite numbers rows by itself only when the column is exactly INTEGER.
_row_number = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()

tasks = Table(
    "tasks",
    metadata,
    # The order of creation: what lists are sorted and paged by.
    Column("sequence", _row_number, primary_key=True, autoincrement=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("title", String(200), nullable=False),
    Column("status", String(20), nullable=False),
    Column("owner_id", Uuid),
    sqlite_autoincrement=True,
)

outbox = Table(
    "outbox",
    metadata,
    # The order of publishing. Published rows are deleted; AUTOINCREMENT never gives their numbers again.
    Column("sequence", _row_number, primary_key=True, autoincrement=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("aggregatetype", String(50), nullable=False),
    Column("aggregateid", String(36), nullable=False),
    Column("type", String(50), nullable=False),
    # Text, not a JSON type: what was written is what is published, byte for byte.
    Column("payload", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    # Why the broker will never take this row; null for a row that waits.
    Column("rejected_reason", Text),
    sqlite_autoincrement=True,
)
