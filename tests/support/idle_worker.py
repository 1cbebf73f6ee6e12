"""A worker that is ready and never comes near Kafka: what its group does is done by the test."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.support.builders import event_consumer, kafka_topic
from tests.support.custom_worker import custom_worker
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.kubernetes import Kubernetes, Manifest

_READY = """
from http.server import BaseHTTPRequestHandler, HTTPServer

class Ready(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

HTTPServer(("", 8080), Ready).serve_forever()
"""


def idle_worker(kubernetes: Kubernetes) -> Manifest:
    """Build a ``spec.worker`` that runs it."""
    return custom_worker(kubernetes, _READY)


@contextmanager
def idle_consumer(kubernetes: Kubernetes, name: str, **topic: Any) -> Iterator[None]:
    """Have an EventConsumer with such a worker, and a topic, that are named alike."""
    kubernetes.apply(kafka_topic(name, **topic))
    kubernetes.apply(event_consumer(name, topicRef={"name": name}, worker=idle_worker(kubernetes)))
    eventually("the worker is ready", lambda: kubernetes.row(name)["READY"] == "1/1", within=120)
    yield
    kubernetes.delete("eventconsumer", name)
    kubernetes.delete("kafkatopic", name)
