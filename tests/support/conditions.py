"""How a test reads what is said of an EventConsumer: the conditions of its status, and its word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.eventually import eventually

if TYPE_CHECKING:
    from tests.support.kubernetes import Kubernetes


def condition(status: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return one condition, empty where there is none; raise KeyError for a status that was not written."""
    return next((entry for entry in status["conditions"] if entry["type"] == kind), {})


def shows(kubernetes: Kubernetes, name: str, word: str, *, within: float = 60) -> None:
    """Wait until a resource's line of `kubectl get` has this STATUS."""
    eventually(f"{name} {word}", lambda: kubernetes.row(name)["STATUS"], until=word.__eq__, within=within)
