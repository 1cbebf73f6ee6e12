"""How log records look: as text for people, or as one JSON object a line for machines.

What is logged while an EventConsumer is looked at carries its namespace and name, whoever logs it: the
runtime says which one it is (``about``), and tasks begun meanwhile inherit it.
"""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from typing_extensions import override

from eventconsumer_operator.names import ObjectKey

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_CHATTY = ("aiohttp.access", "kopf.objects")
"""Each probe and each watch event would be a line."""

_current: ContextVar[ObjectKey | None] = ContextVar("eventconsumer_resource", default=None)


def configure(form: str, level: str) -> None:
    """Write the process's log to standard error, kopf's and the clients' too, from a level upwards."""
    handler = logging.StreamHandler()
    handler.setFormatter(Json() if form == "json" else logging.Formatter(_TEXT))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)


@contextmanager
def about(key: ObjectKey) -> Iterator[None]:
    """Let every JSON line of this task carry a resource's namespace and name meanwhile."""
    token = _current.set(key)
    try:
        yield
    finally:
        _current.reset(token)


class Json(logging.Formatter):
    """One JSON object a line; line breaks and control characters are escaped by it."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        resource = _resource(record)
        if resource is not None:
            fields |= {"namespace": resource.namespace, "name": resource.name}
        reason = getattr(record, "reason", None)
        if reason:
            fields["reason"] = str(reason)
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)


def _resource(record: logging.LogRecord) -> ObjectKey | None:
    """Return what a record is about: as it says itself, as kopf says it, or what is being looked at."""
    given: ObjectKey | None = getattr(record, "resource", None)
    if given is not None:
        return given
    reference = getattr(record, "k8s_ref", None)
    if reference:
        return ObjectKey(reference.get("namespace") or "", reference.get("name") or "")
    return _current.get()
