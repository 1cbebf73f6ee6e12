"""Runs the migrations on the connection, and in the transaction, that `schema` hands over.

Alembic executes this file. A developer's own `alembic` command has no connection to hand over; it works on
the database that DATABASE_URL names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from alembic import context

from eventconsumer_api.database_settings import DatabaseSettings
from eventconsumer_api.storage.database import Database
from eventconsumer_api.storage.tables import Moment, metadata

if TYPE_CHECKING:
    from alembic.autogenerate.api import AutogenContext
    from sqlalchemy import Connection


def _render(kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    # A migration stays as it is when our types change: it names SQLAlchemy's own.
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Moment) else False


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection, target_metadata=metadata, render_as_batch=True, render_item=_render
    )
    with context.begin_transaction():
        context.run_migrations()


if context.config.attributes.get("connection") is not None:
    _run(context.config.attributes["connection"])
else:
    database = Database(DatabaseSettings().database_url)
    database.create_file()
    with database.migration() as connection:
        _run(connection)
    database.close()
