"""The tables: the one truth, which the migrations lead to and `alembic check` compares them with.

`outbox` has the columns Debezium's outbox router expects: it can replace the relay.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    Uuid,
)
from typing_extensions import override

if TYPE_CHECKING:
    from sqlalchemy import Dialect


class Moment(TypeDecorator[datetime]):
    """A point in time; it comes back in UTC from SQLite too, which stores no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Write the moment in UTC."""
        return None if value is None else value.astimezone(UTC)

    @override
    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read the moment in UTC."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


# SQLite numbers rows by itself only when the column is exactly INTEGER.
_row_number = BigInteger().with_variant(Integer, "sqlite")

# Names for what is found by its name when a later migration changes it.
metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    }
)

tasks = Table(
    "tasks",
    metadata,
    # The order of creation: what lists are sorted and paged by.
    Column("sequence", _row_number, primary_key=True, autoincrement=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("title", String(200), nullable=False),
    Column("status", String(20), nullable=False),
    Column("owner_id", Uuid),
    # 1 for a new task, one more with each change: what an ETag is made of.
    Column("version", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Index(None, "owner_id", "sequence"),
    Index(None, "status", "sequence"),
    sqlite_autoincrement=True,
)

outbox = Table(
    "outbox",
    metadata,
    # The order of publishing. Published rows are deleted; AUTOINCREMENT never gives their numbers again.
    Column("sequence", _row_number, primary_key=True, autoincrement=True),
    Column("id", Uuid, nullable=False),
    Column("aggregatetype", String(50), nullable=False),
    # What becomes of a task's events is asked by its id, also when an outage left a million rows here.
    Column("aggregateid", String(36), nullable=False, index=True),
    Column("type", String(50), nullable=False),
    # Text, not a JSON type: what was written is what is published, byte for byte.
    Column("payload", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    # The W3C trace context of the request that caused the event, for the header of the same name.
    Column("traceparent", String(55)),
    # Why the broker will never take this row; null for a row that waits.
    Column("rejected_reason", Text),
    sqlite_autoincrement=True,
)
# The few rows that were set aside are counted while millions may wait; a row that waits is not in it.
Index(
    "outbox_rejected_idx",
    outbox.c.sequence,
    sqlite_where=outbox.c.rejected_reason.is_not(None),
    postgresql_where=outbox.c.rejected_reason.is_not(None),
)

# The newest published events, for people to look at: a thousand at most, a sample when many are published.
deliveries = Table(
    "deliveries",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    Column("task_id", Uuid, nullable=False),
    Column("event_type", String(50), nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("published_at", Moment, nullable=False),
)

# Which task a caller's `Idempotency-Key` made, for a day.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    # The principal whose key it is: keys of different callers never meet.
    Column("owner", String(255), primary_key=True),
    Column("key", String(255), primary_key=True),
    # SHA-256 of the request, in hex: the same key with another request is a mistake of the caller.
    Column("request_hash", String(64), nullable=False),
    Column("task_id", Uuid, nullable=False),
    Column("created_at", Moment, nullable=False, index=True),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", String(100), nullable=False),
    # SHA-256 of the key, in hex; enough for a key that is random. The key itself is nowhere.
    Column("hash", String(64), nullable=False, unique=True),
    # Who the bearer of the key is.
    Column("subject", String(255), nullable=False),
    Column("admin", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("revoked_at", Moment),
)
