"""`python -m bench [--area AREA] [--rounds N]`: measure, print the table, write `bench/results.json`."""

from __future__ import annotations

import argparse
import signal
import sys

from bench import table, workers

AREAS = {"workers": workers.rows}


def main() -> None:
    """Measure the areas asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--area", choices=AREAS, action="append", help="only this area; may be repeated")
    parser.add_argument("--rounds", type=int, default=5, help="rounds whose median counts (default 5)")
    options = parser.parse_args()
    # A benchmark that is stopped still stops its broker and the programs it measures.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    rows = [row for area in options.area or AREAS for row in AREAS[area](options.rounds)]
    table.write(rows)
    table.show(rows)


if __name__ == "__main__":
    main()
