"""How many objects were written, as the API server counts it itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dev.cluster import Cluster

_LINE = re.compile(r"^apiserver_request_total\{(?P<labels>[^}]*)\} (?P<count>\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_WRITES = frozenset({"POST", "PUT", "PATCH", "APPLY", "DELETE"})
_KINDS = frozenset({"eventconsumers", "deployments"})


@dataclass(frozen=True)
class Writes:
    """Writes since the API server started, of the kinds that an operator of EventConsumers writes."""

    all: int
    """To EventConsumers, to Deployments but for their status, and server-side applied Events."""
    statuses: int
    """Those of them that went to EventConsumers."""

    def since(self, before: Writes) -> Writes:
        """Return what was written after ``before``."""
        return Writes(self.all - before.all, self.statuses - before.statuses)


def writes(cluster: Cluster) -> Writes:
    """Ask the API server.

    A Deployment's status and most Events are written by Kubernetes' own controllers, so they are left out: of
    the Events only the applied ones count, which no controller of Kubernetes makes.
    """
    text = cluster.kubectl("get", "--raw", "/metrics")
    every = statuses = 0
    for match in _LINE.finditer(text):
        labels = dict(_LABEL.findall(match["labels"]))
        if not _counts(labels):
            continue
        count = int(float(match["count"]))
        every += count
        statuses += count if labels["resource"] == "eventconsumers" else 0
    return Writes(every, statuses)


def _counts(labels: dict[str, str]) -> bool:
    if labels["verb"] not in _WRITES:
        return False
    if labels["resource"] == "events":
        return labels["verb"] == "APPLY"
    if labels["resource"] == "deployments":
        return not labels["subresource"]
    return labels["resource"] in _KINDS
