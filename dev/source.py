"""Where the cluster's parts come from: images from a container registry, or packages this project builds."""

from __future__ import annotations

import os
from enum import StrEnum
from functools import cache

from dev import versions
from dev.run import succeeds
from dev.steps import say

OVERRIDE = "EVENTCONSUMER_CLUSTER_SOURCE"
_PROBE_SECONDS = 10.0


class Source(StrEnum):
    """``official``: kind's own image and Strimzi's chart. ``packages``: made from packages."""

    OFFICIAL = "official"
    PACKAGES = "packages"


@cache
def source() -> Source:
    """Return where the cluster comes from; the container registry is asked at most once a command."""
    override = os.environ.get(OVERRIDE, "")
    chosen = choose(override, registry_answers=not override and registry_answers())
    if chosen is Source.PACKAGES and not override:
        say("No container registry answers here: the cluster is built from packages.")
    return chosen


def choose(override: str, *, registry_answers: bool) -> Source:
    """Return the user's choice, else images where they can be had; raise SystemExit on a typo."""
    if override:
        try:
            return Source(override)
        except ValueError:
            raise SystemExit(f"{OVERRIDE}={override}: it must be one of {', '.join(Source)}") from None
    return Source.OFFICIAL if registry_answers else Source.PACKAGES


def registry_answers() -> bool:
    """Tell whether the registry of kind's node images answers within 10 s."""
    return succeeds(["docker", "manifest", "inspect", versions.KIND_NODE_PROBE], timeout=_PROBE_SECONDS)
