"""How rows are written, one or hundreds by one statement. Invariant: they are numbered in the order given.

Row by row, a statement costs what it costs to run anew for each: PostgreSQL sends, plans and reports each by
itself, so it takes all of them as one parameter, in JSON. For SQLite the interpreter is given away at each
run, to a thread that may keep it for milliseconds; it takes all of them as the rows of one VALUES.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import String, Uuid
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError

from eventconsumer_api.storage.tables import Moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Column, Connection, Dialect, Table

    Value = str | int | None

# SQLite keeps a statement prepared for each number of rows; older ones take 999 parameters at most.
_LARGEST_STATEMENT = 64
_POSTGRES: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy says no types here


class Insertion:
    """Writes rows of a table that have values in these columns, in this order.

    Values are given as an event has them: ids as text with dashes, moments as `utc_text` writes them.
    """

    def __init__(self, table: Table, *columns: str) -> None:
        self._forms = [_form(table.c[name]) for name in columns]
        # As text: SQLAlchemy would look at each part of them, each time, to find out that it knows them.
        self._values = cache(lambda rows: _values(table, columns, rows))
        self._from_json = _from_json(table, columns)

    def write(self, connection: Connection, rows: Sequence[Sequence[Value]]) -> None:
        """Write the rows."""
        if connection.dialect.name != "sqlite":
            connection.exec_driver_sql(self._from_json, (json.dumps(rows),))
            return
        for start in range(0, len(rows), _LARGEST_STATEMENT):
            some = rows[start : start + _LARGEST_STATEMENT]
            connection.exec_driver_sql(self._values(len(some)), self._as_sqlite_has_them(some))

    def _as_sqlite_has_them(self, rows: Sequence[Sequence[Value]]) -> tuple[Value, ...]:
        forms = self._forms
        return tuple(
            form(value) if form and isinstance(value, str) else value
            for row in rows
            for form, value in zip(forms, row, strict=True)
        )


@contextmanager
def in_one_go(connection: Connection) -> Iterator[None]:
    """Send PostgreSQL what is written inside without waiting for each answer; a failure raises at the end."""
    driver = connection.connection.driver_connection
    if connection.dialect.name == "sqlite" or driver is None:
        yield
        return
    errors = connection.dialect.loaded_dbapi.Error
    try:
        with driver.pipeline():
            yield
    except errors as failure:
        # An answer that came behind the statements: said as SQLAlchemy says it of a statement.
        raise DBAPIError.instance(None, None, failure, errors, dialect=connection.dialect) from failure


def _form(column: Column[object]) -> Callable[[str], str] | None:
    """Return what makes of a text the one that SQLAlchemy stores in SQLite; None where it is the same."""
    if isinstance(column.type, Uuid):
        return lambda text: text.replace("-", "")
    if isinstance(column.type, Moment):
        return lambda text: text.removesuffix("+00:00").replace("T", " ")
    return None


# Texts of the names and types of our own columns, and of places for values.
def _values(table: Table, columns: Sequence[str], rows: int) -> str:
    row = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES {', '.join([row] * rows)}"  # noqa: S608  # see above


def _from_json(table: Table, columns: Sequence[str]) -> str:
    values = ", ".join(_from_element(place, table.c[name]) for place, name in enumerate(columns))
    # As JSONB each row is parsed once, and not for each of its values.
    given = "jsonb_array_elements(CAST(%s AS jsonb)) AS rows(value)"
    return f"INSERT INTO {table.name} ({', '.join(columns)}) SELECT {values} FROM {given}"  # noqa: S608  # see above


def _from_element(place: int, column: Column[object]) -> str:
    text = f"value ->> {place}"
    # To cast a text to its length would cut it where the table refuses it.
    return text if isinstance(column.type, String) else f"CAST({text} AS {column.type.compile(_POSTGRES)})"
