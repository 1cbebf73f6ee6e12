"""What the figures of both operators say, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.table import Row

if TYPE_CHECKING:
    from bench.operator.measure import Figures

_MEGABYTE, _KILOBYTE = 2**20, 2**10


def judged(ours: Figures, plain: Figures, size: int) -> list[Row]:
    """Return the area's rows for fleets of ``size`` EventConsumers."""
    fleet = f"{size:,} EventConsumers"
    return [
        _at_most(
            f"{fleet} made: seconds to Deployments and status", ours.made_seconds, "s", plain.made_seconds, 60
        ),
        _at_most(f"{fleet} made: API writes for each", ours.writes_each, "writes", plain.writes_each, 4),
        _at_most(
            f"{fleet} idle: API writes a minute",
            ours.idle_writes_a_minute,
            "writes",
            plain.idle_writes_a_minute,
            0,
        ),
        _at_most(
            f"lag refresh of {size:,} groups of 12 partitions",
            ours.refresh_seconds,
            "s",
            plain.refresh_seconds,
            2,
        ),
        _at_most(
            "ListOffsets requests a refresh",
            ours.list_offsets_each_refresh,
            "requests",
            plain.list_offsets_each_refresh,
            1,
        ),
        _fewer(
            "Kafka requests a refresh",
            ours.requests_each_refresh,
            "requests",
            plain.requests_each_refresh,
            10,
        ),
        _at_most(
            "lag noise of 5 %: resources patched a refresh",
            100 * ours.noise_patched_share,
            "%",
            100 * plain.noise_patched_share,
            5,
        ),
        _fewer(
            "lag noise of 5 %: patches a minute",
            ours.noise_patches_a_minute,
            "patches",
            plain.noise_patches_a_minute,
            20,
        ),
        _at_most(f"memory at {fleet}", ours.memory / _MEGABYTE, "MB", plain.memory / _MEGABYTE, 150),
        _at_most(
            "memory for each EventConsumer",
            ours.memory_each / _KILOBYTE,
            "KB",
            plain.memory_each / _KILOBYTE,
            25,
        ),
        _at_most(
            "spec edit to Deployment patched, p99",
            1000 * ours.edit_p99_seconds,
            "ms",
            1000 * plain.edit_p99_seconds,
            1000,
        ),
    ]


def _at_most(name: str, value: float, unit: str, baseline: float, goal: float) -> Row:
    ratio = value / baseline if baseline else 0.0
    return Row(
        "operator",
        name,
        round(value, 2),
        unit,
        round(baseline, 2),
        round(ratio, 3),
        f"<= {goal:g} {unit}",
        value <= goal,
    )


def _fewer(name: str, value: float, unit: str, baseline: float, goal: float) -> Row:
    times = baseline / value if value else float("inf")
    return Row(
        "operator",
        name,
        round(value, 2),
        unit,
        round(baseline, 2),
        round(value / baseline, 4) if baseline else 0.0,
        f"{goal:g}x fewer",
        times >= goal,
    )
