"""When an object has to be applied: a pure rule, so that an idle system writes nothing.

Kubernetes raises ``metadata.generation`` with every change of a spec. The generation that our last apply
returned is therefore the mark of an untouched spec; labels and owner don't raise it and are compared one by
one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eventconsumer_operator.desired import fingerprint

if TYPE_CHECKING:
    from eventconsumer_operator.models import Manifest


@dataclass(frozen=True, slots=True)
class Applied:
    """What our last apply of one object sent and got back."""

    fingerprint: str
    uid: str
    generation: int

    @classmethod
    def of(cls, desired: Manifest, returned: Manifest) -> Applied:
        """Note an apply that went well."""
        metadata = returned["metadata"]
        return cls(fingerprint(desired), metadata["uid"], metadata.get("generation", 0))


def needs_apply(desired: Manifest, live: Manifest | None, applied: Applied | None) -> bool:
    """Tell whether the live object may differ from the desired one."""
    if live is None or applied is None:
        return True
    metadata = live["metadata"]
    return (
        applied.uid != metadata["uid"]
        or applied.fingerprint != fingerprint(desired)
        # A lower generation is a watch that has not told us of our own apply yet.
        or metadata.get("generation", 0) > applied.generation
        or not _keeps_metadata(desired["metadata"], metadata)
    )


def _keeps_metadata(desired: Manifest, live: Manifest) -> bool:
    labels = live.get("labels", {})
    return all(labels.get(name) == value for name, value in desired["labels"].items()) and all(
        owner in live.get("ownerReferences", []) for owner in desired["ownerReferences"]
    )
