"""What the rounds have measured so far; the median of the rounds is what counts."""

from __future__ import annotations

from collections import defaultdict
from statistics import median

from bench.table import Row


class Samples:
    """Figures by name, one of each a round."""

    def __init__(self) -> None:
        self._found: defaultdict[str, list[float]] = defaultdict(list)

    def note(self, name: str, figure: float) -> None:
        """Keep what a round measured."""
        self._found[name].append(figure)

    def median(self, name: str) -> float:
        """Return the median of all rounds."""
        return median(self._found[name])

    def all(self, name: str) -> list[float]:
        """Return what each round measured."""
        return self._found[name]

    def latest(self) -> str:
        """Return the last round in words."""
        return ", ".join(f"{name} {figures[-1]:,.1f}" for name, figures in self._found.items())

    def at_least(self, words: str, ours: str, theirs: str, *, times: float) -> Row:
        """Return the row of a rate that has to be so many times another."""
        value, baseline = self.median(ours), self.median(theirs)
        ratio = value / baseline
        goal = f">= {times:g}x" if times >= 1 else f">= {times:.0%}"
        return row(words, value, "events/s", baseline=baseline, goal=goal, met=ratio >= times)


def row(words: str, value: float, unit: str, *, baseline: float | None, goal: str, met: bool) -> Row:
    """Return one row of this area, rounded to what a reader can use."""
    ratio = None if baseline is None else round(value / baseline, 3)
    against = None if baseline is None else _rounded(baseline)
    return Row("workers", words, _rounded(value), unit, against, ratio, goal, met)


def _rounded(figure: float) -> float:
    return round(figure) if figure >= 100 else round(figure, 2)  # noqa: PLR2004  # three digits are enough
