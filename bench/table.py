"""What a benchmark says: rows, one table for people and one file for machines."""

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


def write(rows: Sequence[Row], *, to: Path = RESULTS) -> None:
    """Write the rows as a list, keeping the rows of areas that were not measured this time."""
    measured = {row.area for row in rows}
    kept = [row for row in json.loads(to.read_text()) if row["area"] not in measured] if to.exists() else []
    to.write_text(json.dumps([*kept, *map(asdict, rows)], indent=2) + "\n")


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
