"""The workers: one image that follows a topic as `notification`, as `audit` or with a function of yours.

``loop`` is the story: receive a batch, sort it (``envelope``), set aside what cannot be read
(``dead_letters``), let the worker's handler do its work, and only then commit. ``broker`` alone talks to
Kafka, ``audit`` alone to the audit log, ``health`` alone to probes.

What is imported here is the interface for handlers of your own::

    from eventconsumer_workers import Event, run

    def handle(event: Event) -> None: ...

    run(handle)
"""

from eventconsumer_workers.custom import run
from eventconsumer_workers.envelope import Event, Metadata, Task
from eventconsumer_workers.handlers import Delivery, NotDone, Record, Reject, Retry

__all__ = ["Delivery", "Event", "Metadata", "NotDone", "Record", "Reject", "Retry", "Task", "run"]
