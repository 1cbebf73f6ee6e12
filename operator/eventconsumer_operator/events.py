"""What people read under Events in ``kubectl describe``: happenings that leave no lasting state. Pure.

One happening has one name, so saying it again only counts it: a restart or a retry floods nobody.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from eventconsumer_operator.conditions import stamp
from eventconsumer_operator.names import FIELD_MANAGER, GROUP, KIND, VERSION, Reason

if TYPE_CHECKING:
    from datetime import datetime

    from eventconsumer_operator.models import Manifest, Metadata

_GOOD_NEWS = frozenset({Reason.GROUP_DELETED})


def event(about: Metadata, reason: Reason, message: str, *, now: datetime) -> Manifest:
    """Return a Kubernetes Event about an EventConsumer, as it is when it happens for the first time."""
    digest = hashlib.sha256(f"{about.uid} {reason} {message}".encode()).hexdigest()[:16]
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
        "type": "Normal" if reason in _GOOD_NEWS else "Warning",
        "reason": reason.value,
        "message": message,
        "source": {"component": FIELD_MANAGER},
        "firstTimestamp": stamp(now),
        "lastTimestamp": stamp(now),
        "count": 1,
    }
