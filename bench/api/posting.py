"""`POST /tasks` by 16 clients: with and without the outbox, as plain FastAPI, and as a tutorial writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.api.programs import DATABASES, OURS, PLAIN, SEED, WITHOUT
from bench.api.stage import load

if TYPE_CHECKING:
    from bench.api.stage import Program, Server, Stage
    from bench.samples import Samples
    from bench.table import Row

CLIENTS = 16
_SECONDS = 2.0
_WARM_UP_SECONDS = 0.5
_N = "N"


def play(stage: Stage, samples: Samples) -> None:
    """Load each server once, one after the other; what its relay still has to do is done before the next."""
    programs: dict[str, Program] = {_N: SEED}
    for database in DATABASES:
        programs |= {
            _name("ours", database): OURS[database],
            _name("without", database): WITHOUT[database],
            _name("plain", database): PLAIN[database],
        }
    for name, program in programs.items():
        server = stage.kept(program)
        warmed_up = load(server, clients=CLIENTS, seconds=_WARM_UP_SECONDS)
        found = load(server, clients=CLIENTS, seconds=_SECONDS)
        if warmed_up.errors or found.errors:
            raise RuntimeError(f"{name} answered {warmed_up.errors + found.errors} times with an error")
        if program in OURS.values():
            await_relay(stage, server)
        samples.note(f"{name} req/s", found.rate)
        samples.note(f"{name} p99 ms", found.p99)


def await_relay(stage: Stage, server: Server) -> None:
    """Wait until every task of a server has its event in the topic."""
    stage.await_events(server.place.topic, server.posted)


def rows(samples: Samples) -> list[Row]:
    """Say what was found."""
    found = []
    for database in DATABASES:
        ours, without, plain = (_name(kind, database) for kind in ("ours", "without", "plain"))
        found += [
            _rate(samples, f"POST /tasks, {database}, vs without outbox and relay", ours, without, 0.85),
            samples.at_most(
                f"POST /tasks, {database}, p99, vs without outbox and relay",
                f"{ours} p99 ms",
                f"{without} p99 ms",
                times=1.2,
            ),
            _rate(
                samples, f"POST /tasks, {database}, vs plain FastAPI with the same insert", ours, plain, 0.8
            ),
            _rate(samples, f"POST /tasks, {database}, vs N: in memory, flush in the handler", ours, _N, 2),
        ]
    return found


def _name(kind: str, database: str) -> str:
    return f"{kind} {database}"


def _rate(samples: Samples, words: str, ours: str, theirs: str, times: float) -> Row:
    return samples.at_least(words, f"{ours} req/s", f"{theirs} req/s", times=times, unit="req/s")
