"""How rows are written, one or hundreds by one statement. Invariant: they are numbered in the order given.

PostgreSQL takes all of them as one parameter, in JSON: row by row, each is sent, planned and reported by
itself, and that is half of what a commit of many tasks takes. SQLite has nobody to talk to: rows cost it the
same in any form.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import JSON, String, bindparam, cast, func, insert, literal_column, select
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Insert, Table


class Insertion:
    """Writes rows of a table that have values in these columns."""

    def __init__(self, table: Table, *columns: str) -> None:
        self._columns = columns
        # Built once: to build them costs as much as to run them.
        self._one_by_one = insert(table)
        self._from_json = _from_json(table, columns)

    def write(self, connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
        """Write the rows."""
        if connection.dialect.name == "sqlite":
            connection.execute(self._one_by_one, list(rows))
            return
        values = [[row[name] for name in self._columns] for row in rows]
        connection.execute(self._from_json, {"rows": json.dumps(values, default=str)})


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


def _from_json(table: Table, columns: Sequence[str]) -> Insert:
    given = func.json_array_elements(cast(bindparam("rows", type_=String), JSON)).table_valued("value")

    def value(place: int, name: str) -> ColumnElement[object]:
        text = given.c.value.op("->>")(literal_column(str(place)))
        # To cast a text to its length would cut it where the table refuses it.
        return text if isinstance(table.c[name].type, String) else cast(text, table.c[name].type)

    return insert(table).from_select(columns, select(*(value(*each) for each in enumerate(columns))))
