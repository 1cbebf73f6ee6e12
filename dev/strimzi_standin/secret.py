"""A Secret as the stand-in thinks of it: its name, its texts in the clear, and its annotations."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dev.strimzi_standin.topics import CLUSTER_LABEL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dev.strimzi_standin.topics import Manifest

FORCE_RENEW = "strimzi.io/force-renew"
FORCE_REPLACE = "strimzi.io/force-replace"


@dataclass(frozen=True)
class Secret:
    """Two Secrets are equal when nothing has to be written."""

    name: str
    data: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)

    def asks_to(self, annotation: str) -> bool:
        """Tell whether somebody asks for something by an annotation."""
        return self.annotations.get(annotation) == "true"

    def fingerprint(self) -> str:
        """Return a short text that differs whenever the data does."""
        return hashlib.sha256(json.dumps(dict(self.data), sort_keys=True).encode()).hexdigest()[:16]


def read(manifest: Manifest) -> Secret:
    """Read a Secret as the API server has it; bytes that are no text are left out."""
    metadata = manifest["metadata"]
    data = {name: _text(value) for name, value in (manifest.get("data") or {}).items()}
    texts = {name: value for name, value in data.items() if value is not None}
    return Secret(metadata["name"], texts, metadata.get("annotations") or {})


def written(secret: Secret, owner: Manifest) -> Manifest:
    """Return a Secret for the API server, labelled for its Kafka cluster and deleted with its owner."""
    metadata = owner["metadata"]
    cluster = (metadata.get("labels") or {}).get(CLUSTER_LABEL, metadata["name"])
    reference = {key: owner[key] for key in ("apiVersion", "kind")} | {
        key: metadata[key] for key in ("name", "uid")
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": secret.name,
            "namespace": metadata["namespace"],
            "labels": {CLUSTER_LABEL: cluster, "strimzi.io/kind": owner["kind"]},
            "annotations": dict(secret.annotations),
            "ownerReferences": [reference | {"blockOwnerDeletion": False, "controller": False}],
        },
        "data": {name: b64encode(value.encode()).decode() for name, value in secret.data.items()},
    }


def _text(value: str) -> str | None:
    try:
        return b64decode(value).decode()
    except UnicodeDecodeError:
        return None
