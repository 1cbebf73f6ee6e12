"""The servers that are compared, on both databases.

N is the seed as whoever follows its tutorial has it: `uvicorn main:app`, which installs neither httptools nor
uvloop. The Task API installs both, and so do all others here, N a second time: that row tells what an outbox
in place of a flush in the handler brings, and not what an HTTP parser does.
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
SEED = Program("bench.programs.seed_api", SQLITE, {"HTTP": "h11", "LOOP": "asyncio"})
SEED_ON_OUR_PARTS = Program("bench.programs.seed_api", SQLITE)
