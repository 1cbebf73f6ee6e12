"""The servers that are compared, on both databases."""

from __future__ import annotations

from bench.api.stage import POSTGRES, SQLITE, Program

_OPEN = {"AUTH": "none"}

DATABASES = (SQLITE, POSTGRES)

OURS = {database: Program("eventconsumer_api", database, _OPEN) for database in DATABASES}
# The outbox alone: another process would be the relay.
UNRELAYED = {
    database: Program("eventconsumer_api", database, _OPEN | {"RELAY": "off"}) for database in DATABASES
}
WITHOUT = {
    database: Program("bench.programs.api_without_outbox", database, _OPEN | {"RELAY": "off"})
    for database in DATABASES
}
PLAIN = {database: Program("bench.programs.plain_api", database) for database in DATABASES}
SEED = Program("bench.programs.seed_api", SQLITE)
