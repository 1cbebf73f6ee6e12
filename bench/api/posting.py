"""`POST /tasks` by 16 clients: with and without the outbox, as plain FastAPI, and as a tutorial writes it.

The outbox costs a request one more row in its commit; that alone is what the goal is about. What the relay
takes besides, on the same cores, is shown beside it, and counts in all other comparisons.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.api.programs import DATABASES, OURS, PLAIN, SEED, SEED_ON_OUR_PARTS, UNRELAYED, WITHOUT
from bench.api.stage import load

if TYPE_CHECKING:
    from bench.api.stage import Server, Stage
    from bench.samples import Samples
    from bench.table import Row

CLIENTS = 16
_SECONDS = 2.0
_WARM_UP_SECONDS = 0.5
_TURNS = 3
"""In a round, of the two whose tails are compared: a few stalls of the disk make the p99 of one turn."""
_PAIR = {"outbox": UNRELAYED, "without": WITHOUT}
_N, _N_ON_OUR_PARTS = "N", "N, httptools and uvloop"


def play(stage: Stage, samples: Samples) -> None:
    """Load the servers one after the other; what a relay still has to do is done before the next."""
    for database in DATABASES:
        for turn in range(_TURNS):
            # Now one first, now the other: what a turn leaves to the disk is paid for by who follows.
            for kind in sorted(_PAIR, reverse=bool(turn % 2)):
                _measure(stage.kept(_PAIR[kind][database]), samples, f"{kind} {database}")
        server = stage.kept(OURS[database])
        _measure(server, samples, f"ours {database}")
        await_relay(stage, server)
        _measure(stage.kept(PLAIN[database]), samples, f"plain {database}")
    _measure(stage.kept(SEED), samples, _N)
    _measure(stage.kept(SEED_ON_OUR_PARTS), samples, _N_ON_OUR_PARTS)


def await_relay(stage: Stage, server: Server) -> None:
    """Wait until every task of a server has its event in the topic."""
    stage.await_events(server.place.topic, server.posted)


def rows(samples: Samples) -> list[Row]:
    """Say what was found."""
    return [row for database in DATABASES for row in _rows_of(samples, database)]


def _measure(server: Server, samples: Samples, name: str) -> None:
    if not server.posted:
        load(server, clients=CLIENTS, seconds=_WARM_UP_SECONDS)
    found = load(server, clients=CLIENTS, seconds=_SECONDS)
    if found.errors:
        raise RuntimeError(f"{name} answered {found.errors} times with an error")
    samples.note(f"{name} req/s", found.rate)
    samples.note(f"{name} p99 ms", found.p99)


def _rows_of(samples: Samples, database: str) -> list[Row]:
    posting = f"POST /tasks, {database}"
    outbox, without = f"outbox {database}", f"without {database}"
    ours, plain = f"ours {database}", f"plain {database}"
    relayed, base = samples.median(f"{ours} req/s"), samples.median(f"{without} req/s")
    return [
        _rate(samples, f"{posting}, vs without outbox", outbox, without, 0.85),
        samples.at_most(
            f"{posting}, p99, vs without outbox", f"{outbox} p99 ms", f"{without} p99 ms", times=1.2
        ),
        samples.row(
            f"{posting} and its relay, vs without both",
            relayed,
            "req/s",
            baseline=base,
            goal="shown",
            met=True,
        ),
        _rate(samples, f"{posting} and its relay, vs plain FastAPI with the same insert", ours, plain, 0.8),
        _rate(samples, f"{posting} and its relay, vs N: in memory, flush in the handler", ours, _N, 2),
        samples.row(
            f"{posting} and its relay, vs N on httptools and uvloop as well",
            relayed,
            "req/s",
            baseline=samples.median(f"{_N_ON_OUR_PARTS} req/s"),
            goal="shown",
            met=True,
        ),
    ]


def _rate(samples: Samples, words: str, ours: str, theirs: str, times: float) -> Row:
    return samples.at_least(words, f"{ours} req/s", f"{theirs} req/s", times=times, unit="req/s")
