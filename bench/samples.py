"""What the rounds have measured so far; the median of the rounds is what counts."""

from __future__ import annotations

from collections import defaultdict
from statistics import median

from bench.table import Row


class Samples:
    """Figures of one area by name, one of each a round."""

    def __init__(self, area: str) -> None:
        self._area = area
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

    def at_least(self, words: str, ours: str, theirs: str, *, times: float, unit: str = "events/s") -> Row:
        """Return the row of a rate that has to be so many times another."""
        value, baseline = self.median(ours), self.median(theirs)
        goal = f">= {times:g}x" if times >= 1 else f">= {times:.0%}"
        return self.row(words, value, unit, baseline=baseline, goal=goal, met=value >= times * baseline)

    def at_most(self, words: str, ours: str, theirs: str, *, times: float, unit: str = "ms") -> Row:
        """Return the row of a time that may be so many times another."""
        value, baseline = self.median(ours), self.median(theirs)
        met = value <= times * baseline
        return self.row(words, value, unit, baseline=baseline, goal=f"<= {times:g}x", met=met)

    def row(
        self, words: str, value: float, unit: str, *, baseline: float | None, goal: str, met: bool
    ) -> Row:
        """Return one row of the area, rounded to what a reader can use."""
        ratio = None if baseline is None else round(value / baseline, 3)
        against = None if baseline is None else _rounded(baseline)
        return Row(self._area, words, _rounded(value), unit, against, ratio, goal, met)


def _rounded(figure: float) -> float:
    return round(figure) if figure >= 100 else round(figure, 2)  # noqa: PLR2004  # three digits are enough
