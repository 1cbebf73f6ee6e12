"""The servers that are compared, on both databases.

All of them run on uvicorn with httptools and uvloop, which the Task API installs: what a ratio tells is what
an outbox, or a flush in the handler, costs, and not what an HTTP parser does. The tutorial behind N says
`uvicorn main:app` and installs neither, so N is run a second time as whoever follows the tutorial has it.
"""

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
SEED_AS_INSTALLED = Program("bench.programs.seed_api", SQLITE, {"HTTP": "h11", "LOOP": "asyncio"})
