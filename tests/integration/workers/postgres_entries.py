"""An audit log in PostgreSQL, and what it holds."""

from __future__ import annotations

import json
from typing import Any

import psycopg

from eventconsumer_workers.audit.database import query_database
from eventconsumer_workers.audit.postgres import PostgresLog
from eventconsumer_workers.audit.query import Wanted


def opened(database: str) -> PostgresLog:
    return PostgresLog(database, group="audit-service", topic="task-events")


def entries(database: str, **wanted: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in query_database(database, Wanted(**wanted))]


def ids(database: str) -> list[str]:
    return [entry["event_id"] for entry in entries(database)]


def number(database: str) -> int:
    with psycopg.connect(database) as connection:
        if connection.execute("SELECT to_regclass('audit_entries')").fetchone() == (None,):
            return 0
        row = connection.execute("SELECT count(*) FROM audit_entries").fetchone()
    return int(row[0]) if row else 0
