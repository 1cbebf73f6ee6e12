"""A worker of your own: it counts the tasks that each owner was given, as a Prometheus metric.

Run it in this folder with `python -m eventconsumer_workers custom task_counter:handle`, or simply
`python task_counter.py`; in the cluster with eventconsumer.yaml.
"""

import logging

from prometheus_client import Counter

from eventconsumer_workers import Event, Reject, run

GIVEN = Counter("tasks_given", "Tasks that were created.", ["owner"])

log = logging.getLogger("task_counter")


def handle(event: Event) -> None:
    """Count one event; it is committed when this returns, and tried again when this raises."""
    if event.task is None or event.event_type != "task.created":
        return
    if not event.task.title.strip():
        # No attempt will make it right: it goes to the dead-letter topic with this reason.
        raise Reject("a task has a title")
    GIVEN.labels(event.task.owner_id or "nobody").inc()
    log.info("Task %s is counted", event.task.task_id)


if __name__ == "__main__":
    run(handle)
