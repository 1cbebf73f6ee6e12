"""`python -m bench [--area AREA] [--rounds N]`: measure, print the table, write `bench/results.json`."""

from __future__ import annotations

import argparse
import signal
import sys
from typing import TYPE_CHECKING

from bench import api, operator, table, workers

if TYPE_CHECKING:
    from collections.abc import Callable

AREAS: dict[str, Callable[[int], list[table.Row]]] = {
    "workers": workers.rows,
    "operator": operator.rows,
    "api": api.rows,
}


def main() -> None:
    """Measure the areas asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--area", choices=AREAS, action="append", help="only this area; may be repeated")
    parser.add_argument("--rounds", type=int, default=5, help="rounds whose median counts (default 5)")
    options = parser.parse_args()
    # A benchmark that is stopped still stops its broker and the programs it measures.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    for area in options.area or AREAS:
        rows = AREAS[area](options.rounds)
        table.write(rows)
        table.show(rows)


if __name__ == "__main__":
    main()
