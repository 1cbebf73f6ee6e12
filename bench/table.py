"""What a benchmark says: rows, a table for people, as text and as a page, and a file for machines."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

RESULTS = Path(__file__).with_name("results.json")
PAGE = RESULTS.with_name("README.md")
_INTRODUCTION = """\
# How fast it is

What `make bench` measured last, on two cores that also ran the broker, the database and the load. Rates of
another machine are others; what compares is the ratio: each figure is the median of runs in turns with its
baseline, side by side. The area `operator` is one run of each operator, because each takes minutes.

- **B0** is the ceiling: librdkafka's `consume(500)` with our client settings, and nothing done with what
  comes.
- **N** is the plain way, as a tutorial has it: poll, work, commit, each message for itself; publish and flush
  in the handler; a timer, a client and a patch for each resource.
- **The least** that a chained audit log takes is a program that decodes, chains and writes what comes, and
  does nothing for the worker's promises: what lies between it and B0 is what Python, SHA-256 and disk cost.

All of it is in [results.json](results.json); `python -m bench --area AREA` measures one area anew.

| area | what | measured | beside it | ratio | goal | met |
| --- | --- | ---: | ---: | ---: | --- | --- |
"""


@dataclass(frozen=True)
class Row:
    """One measured figure beside what it is compared with."""

    area: str
    """operator, workers or api."""
    name: str
    value: float
    unit: str
    baseline: float | None
    """The same figure of the plain way, measured in turns with ours; None where the goal is a figure."""
    ratio: float | None
    goal: str
    met: bool


def show(rows: Sequence[Row]) -> None:
    """Print the rows as one table."""
    head = ("area", "name", "value", "unit", "baseline", "ratio", "goal", "met")
    cells = [head] + [
        (
            r.area,
            r.name,
            _figure(r.value),
            r.unit,
            _figure(r.baseline),
            _figure(r.ratio),
            r.goal,
            _word(met=r.met),
        )
        for r in rows
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    print(f"\n{machine()}")
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def write(rows: Sequence[Row]) -> None:
    """Write file and page, keeping the rows of areas that were not measured this time."""
    measured = {row.area for row in rows}
    everything = [*(row for row in read() if row.area not in measured), *rows]
    RESULTS.write_text(json.dumps([asdict(row) for row in everything], indent=2) + "\n")
    PAGE.write_text(page(everything))


def read() -> list[Row]:
    """Return the rows that were written last; none where nothing was measured yet."""
    return [Row(**row) for row in json.loads(RESULTS.read_text())] if RESULTS.exists() else []


def page(rows: Sequence[Row]) -> str:
    """Return the page that shows the rows."""
    return _INTRODUCTION + "".join(
        f"| {r.area} | {r.name} | {_figure(r.value)} {r.unit} | {_figure(r.baseline)} | {_figure(r.ratio)} |"
        f" {r.goal} | {_word(met=r.met)} |\n"
        for r in rows
    )


def machine() -> str:
    """Name the machine in a few words: rates mean nothing without."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"
    )


def _figure(figure: float | None) -> str:
    if figure is None:
        return ""
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.2f}"  # noqa: PLR2004  # three digits


def _word(*, met: bool) -> str:
    return "yes" if met else "no"
