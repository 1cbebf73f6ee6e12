"""What workers' pods complain about, in the words that Kubernetes uses for it. Pure.

Only what a person can do something about counts, and the text stays the same while the fault does: a pod that
fails again and again must not be news each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from eventconsumer_operator.models import Manifest

_ON_ITS_WAY = frozenset({"ContainerCreating", "PodInitializing"})
_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff"})
"""The kubelet changes between the two with every attempt."""
_CRASHES = "CrashLoopBackOff"
_OFTEN = 2
"""After so many restarts a container that is not ready counts as crashing, whatever it does at the moment."""


@dataclass(frozen=True)
class Trouble:
    """What one pod complains about."""

    text: str
    lasting: bool
    """False where it may well pass within a minute, as a node to run on may still come."""


def trouble(pods: Iterable[Manifest]) -> Trouble | None:
    """Return the complaint of the first pod that has one, by name."""
    living = (pod for pod in pods if not pod["metadata"].get("deletionTimestamp"))
    for pod in sorted(living, key=lambda pod: str(pod["metadata"]["name"])):
        found = _unschedulable(pod) or _broken_container(pod) or _waiting_worker(pod)
        if found:
            return Trouble(f"pod {pod['metadata']['name']}: {found.text}", found.lasting)
    return None


def unmounted(pods: Iterable[Manifest], secrets: Collection[str]) -> Trouble | None:
    """Say what a pod may wait for that is not even created; Kubernetes tells that in its Events only."""
    for pod in sorted(pods, key=lambda pod: str(pod["metadata"]["name"])):
        states = (entry.get("state", {}) for entry in pod.get("status", {}).get("containerStatuses", []))
        if secrets and any(state.get("waiting", {}).get("reason") in _ON_ITS_WAY for state in states):
            named = ", ".join(sorted(secrets))
            why = f"ContainerCreating: it mounts keys of these Secrets, and all have to be there: {named}"
            return Trouble(f"pod {pod['metadata']['name']}: {why}", lasting=True)
    return None


def address(pod: Manifest) -> str | None:
    """Return where a worker can be asked why it runs and is not ready; None for all others."""
    status = pod.get("status", {})
    unready = any(
        not container.get("ready") and "running" in container.get("state", {})
        for container in status.get("containerStatuses", [])
    )
    return status.get("podIP") if unready and not pod["metadata"].get("deletionTimestamp") else None


def with_words(pod: Manifest, words: str | None) -> Manifest:
    """Return a pod together with what its worker says that it waits for."""
    return {**pod, _WORDS: words} if words else pod


def trimmed(pod: Manifest) -> Manifest:
    """Keep of a pod what decisions read: there are many pods, and each is large."""
    metadata, status = pod["metadata"], pod.get("status", {})
    kept = ("name", "namespace", "uid", "resourceVersion", "labels", "deletionTimestamp")
    return {
        "metadata": {name: metadata[name] for name in kept if name in metadata},
        "status": {
            **({"podIP": status["podIP"]} if "podIP" in status else {}),
            "conditions": [
                entry for entry in status.get("conditions", []) if entry.get("type") == "PodScheduled"
            ],
            "containerStatuses": [
                {name: entry[name] for name in _KEPT_OF_CONTAINER if name in entry}
                for entry in status.get("containerStatuses", [])
            ],
        },
    }


_WORDS = "workerWaitsFor"
_KEPT_OF_CONTAINER = ("image", "ready", "restartCount", "state", "lastState")


def _unschedulable(pod: Manifest) -> Trouble | None:
    for entry in pod.get("status", {}).get("conditions", []):
        if entry.get("type") == "PodScheduled" and entry.get("status") == "False":
            return Trouble(
                f"{entry.get('reason', 'Unschedulable')}: {entry.get('message', '')}", lasting=False
            )
    return None


def _broken_container(pod: Manifest) -> Trouble | None:
    for container in pod.get("status", {}).get("containerStatuses", []):
        waiting = container.get("state", {}).get("waiting", {})
        reason = waiting.get("reason")
        if reason in _IMAGE:
            return Trouble(f"ImagePullBackOff: image {container.get('image')} can't be pulled", lasting=True)
        if reason == _CRASHES or _crashes(container):
            return Trouble(f"{_CRASHES}: {_last_end(container)}", lasting=True)
        if reason and reason not in _ON_ITS_WAY:
            return Trouble(f"{reason}: {waiting.get('message', '')}", lasting=True)
    return None


def _waiting_worker(pod: Manifest) -> Trouble | None:
    words = pod.get(_WORDS)
    return Trouble(str(words), lasting=False) if words else None


def _crashes(container: Manifest) -> bool:
    # A worker that ended in order did so to start anew, as it does when its credentials were renewed.
    in_order = _end(container).get("exitCode") == 0
    return not container.get("ready") and container.get("restartCount", 0) >= _OFTEN and not in_order


def _end(container: Manifest) -> Manifest:
    ends = (container.get(name, {}).get("terminated") for name in ("state", "lastState"))
    return next((end for end in ends if end), {})


def _last_end(container: Manifest) -> str:
    last = _end(container)
    reason = f" ({last['reason']})" if last.get("reason") else ""
    return f"the worker ended with exit code {last.get('exitCode', 'unknown')}{reason}"
