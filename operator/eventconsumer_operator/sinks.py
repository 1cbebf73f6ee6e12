"""What a notification worker is told of its sinks: a list without any secret, and secrets beside it. Pure.

A secret is never read here: the list names an environment variable, and Kubernetes fills that variable from
the Secret when it starts the pod.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from eventconsumer_operator.security import SecretKey

if TYPE_CHECKING:
    from eventconsumer_operator.models import Worker
    from eventconsumer_operator.sink_models import Sink

_REFERENCE = "Secret"


def variables(worker: Worker) -> dict[str, str | SecretKey]:
    """Return the environment that describes the sinks of a worker; none where the resource names no sink."""
    if worker.notification is None:
        return {}
    secrets: dict[str, SecretKey] = {}
    told = [_told(sink, secrets) for sink in worker.notification.sinks]
    return {"NOTIFICATION_SINKS": json.dumps(told, separators=(",", ":"), ensure_ascii=False), **secrets}


def _told(sink: Sink, secrets: dict[str, SecretKey]) -> dict[str, Any]:
    """Return a sink as its worker reads it, and note the secrets that it refers to."""
    fields = sink.model_dump(by_alias=True, exclude_defaults=True)
    receiver = fields.get(sink.type, {})
    for name in [name for name in receiver if name.endswith(_REFERENCE)]:
        reference = receiver.pop(name)
        what = name.removesuffix(_REFERENCE)
        variable = f"NOTIFICATION_SINK_{sink.name}_{what}".upper().replace("-", "_")
        secrets[variable] = SecretKey(reference["name"], reference["key"])
        receiver[f"{what}Env"] = variable
    return fields
