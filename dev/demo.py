"""``make demo``: the main job from end to end, told as it happens.

Both consumers are stopped, 600 tasks are posted, the consumers start again and catch up; then the audit log
is read and held against what was posted. A demo that did not see what it tells ends with an error.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx2

from dev.release import NAMESPACE
from dev.steps import say, step

if TYPE_CHECKING:
    from collections.abc import Callable

    from dev.cluster import Cluster

TASKS = 600
_CONSUMERS = ("notification-service", "audit-service")
_GET = ("get", "eventconsumers", *_CONSUMERS)
_CLIENTS = 8
_LOOK_AGAIN_SECONDS = 1.0
_PATIENCE_SECONDS = 180.0


def run(cluster: Cluster) -> None:
    """Show lag rise and fall on an installed release; raise RuntimeError where the promise does not hold."""
    # What an earlier run may have left stopped is started first: the story begins with nothing unread.
    _kubectl(cluster, "scale", "eventconsumer", *_CONSUMERS, "--replicas=1")
    print("\nBoth consumers run:\n\n$ kubectl get eventconsumers -n tasks", flush=True)
    _watch(cluster, "both consumers have caught up", _caught_up)

    _scale(cluster, 0)
    # A pod that is on its way out still consumes: only an empty group has stopped.
    _watch(cluster, "both consumer groups are empty", lambda status: status.get("members") == 0)
    posted = _post_tasks(f"http://127.0.0.1:{cluster.ports.task_api}")
    _watch(cluster, f"lag is {TASKS}", lambda status: status.get("lag") == TASKS)

    _scale(cluster, 1)
    _watch(cluster, "both consumers have caught up", _caught_up)
    _show_notifications(cluster)
    _prove_audit(cluster, posted)
    say(_WHAT_NEXT.format(api=cluster.ports.task_api))


def _caught_up(status: dict[str, Any]) -> bool:
    # Seen in its group: else "nobody is in it" may be what was seen before the worker joined.
    return (status.get("lag"), status.get("readyReplicas"), status.get("members")) == (0, 1, 1)


def _scale(cluster: Cluster, replicas: int) -> None:
    words = ["scale", "eventconsumer", *_CONSUMERS, f"--replicas={replicas}"]
    print(f"\n$ kubectl {' '.join(words)} -n {NAMESPACE}\n{_kubectl(cluster, *words)}", flush=True)


def _post_tasks(api: str) -> set[str]:
    """Post the tasks through the API's HTTP port and return their ids."""
    with step(f"{TASKS} tasks through {api}/tasks"), httpx2.Client(base_url=api, timeout=30) as client:

        def post(number: int) -> str:
            answer = client.post("/tasks", json={"title": f"Demo task {number}"})
            answer.raise_for_status()
            task: dict[str, Any] = answer.json()
            return str(task["id"])

        with ThreadPoolExecutor(_CLIENTS) as clients:
            return set(clients.map(post, range(1, TASKS + 1)))


def _watch(cluster: Cluster, what: str, reached: Callable[[dict[str, Any]], bool]) -> None:
    """Print the table each time it changes, until every consumer's status has reached what is waited for."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    before = ""
    while True:
        resources = json.loads(_kubectl(cluster, *_GET, "--output=json"))["items"]
        table = _table(cluster)
        if _without_age(table) != before:
            print(table, flush=True)
            before = _without_age(table)
        if all(_current(resource) and reached(resource["status"]) for resource in resources):
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {_PATIENCE_SECONDS:.0f} s in vain until {what}")
        time.sleep(_LOOK_AGAIN_SECONDS)


def _without_age(table: str) -> str:
    """Return the table without its last column, which changes every second."""
    return "\n".join(line.rsplit(maxsplit=1)[0] for line in table.splitlines())


def _current(resource: dict[str, Any]) -> bool:
    generation = resource["metadata"]["generation"]
    return bool(resource.get("status", {}).get("observedGeneration") == generation)


def _table(cluster: Cluster) -> str:
    return _kubectl(cluster, *_GET)


def _show_notifications(cluster: Cluster) -> None:
    print(f"\n$ kubectl logs -n {NAMESPACE} deployment/notification-service", flush=True)
    log = _kubectl(cluster, "logs", "deployment/notification-service")
    for line in [line for line in log.splitlines() if "NOTIFICATION" in line][-3:]:
        print(line, flush=True)


def _prove_audit(cluster: Cluster, posted: set[str]) -> None:
    """Hold the audit log against the posted tasks: every one there, no event twice."""
    worker = ("exec", "deployment/audit-service", "--", "eventconsumer-worker", "audit")
    entries = [json.loads(line) for line in _kubectl(cluster, *worker, "query").splitlines()]
    # An entry from before the log was a chain is the event itself: a volume keeps those of an older demo.
    events = [entry.get("event", entry) for entry in entries]
    created = Counter(event["data"]["task_id"] for event in events if event["event_type"] == "task.created")
    missing = posted - created.keys()
    twice = len(entries) - len({entry["event_id"] for entry in entries})
    print(
        f"\nThe audit log: {len(entries)} entries; of the {len(posted)} tasks just posted "
        f"{len(posted) - len(missing)} are there, {twice} events are there twice.",
        flush=True,
    )
    if missing or twice or any(created[task] != 1 for task in posted):
        raise RuntimeError("the audit log does not hold every event exactly once")
    print(_kubectl(cluster, *worker, "verify"), end="", flush=True)


def _kubectl(cluster: Cluster, *words: str) -> str:
    return cluster.kubectl("--namespace", NAMESPACE, *words)


_WHAT_NEXT = """
That was the main job. The cluster goes on running; try:

  kubectl get eventconsumers -n tasks --watch
  curl -X POST http://127.0.0.1:{api}/tasks -H 'content-type: application/json' -d '{{"title": "Mine"}}'
  kubectl delete deployment audit-service -n tasks      # it comes back
  kubectl explain eventconsumer.spec                    # what every field means
  make cluster-down                                     # puts everything away
"""
