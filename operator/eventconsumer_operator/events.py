"""What people read under Events in ``kubectl describe``, as Kubernetes keeps it. Pure.

One reason has one Event a resource, so saying it again only counts it: what comes and goes floods nobody.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from eventconsumer_operator.conditions import stamp
from eventconsumer_operator.names import FIELD_MANAGER, GROUP, KIND, VERSION

if TYPE_CHECKING:
    from datetime import datetime

    from eventconsumer_operator.models import Manifest, Metadata
    from eventconsumer_operator.tidings import Tiding

_LONGEST = 1024
"""How many characters of a message the API server takes."""


def event(about: Metadata, tiding: Tiding, *, now: datetime) -> Manifest:
    """Return a Kubernetes Event about an EventConsumer, as it is when it happens for the first time."""
    digest = hashlib.sha256(f"{about.uid} {tiding.reason}".encode()).hexdigest()[:16]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{about.name}.{digest}", "namespace": about.namespace},
        "involvedObject": {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": KIND,
            "name": about.name,
            "namespace": about.namespace,
            "uid": about.uid,
        },
        "type": "Normal" if tiding.good else "Warning",
        "reason": tiding.reason,
        "message": tiding.message[:_LONGEST],
        "source": {"component": FIELD_MANAGER},
        "firstTimestamp": stamp(now),
        "lastTimestamp": stamp(now),
        "count": 1,
    }
