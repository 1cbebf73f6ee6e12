"""What the watches and listings have seen, by kind, namespace and name, so that deciding needs no reading.

Of two versions of one object the newer is kept: our own writes answer faster than the watch tells of them,
and an older version arriving late must not make us write again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventconsumer_operator import pods
from eventconsumer_operator.names import PODS, ObjectKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from eventconsumer_operator.models import Manifest


class Store:
    """The objects of all watched kinds."""

    def __init__(self) -> None:
        self._objects: dict[str, dict[ObjectKey, Manifest]] = {}
        self._unserved: set[str] = set()

    def get(self, kind: str, key: ObjectKey) -> Manifest | None:
        """Return one object, or None where it was not seen."""
        return self._of(kind).get(key)

    def all(self, kind: str) -> Mapping[ObjectKey, Manifest]:
        """Return every object of one kind."""
        return self._of(kind)

    def put(self, kind: str, manifest: Manifest) -> None:
        """Keep an object, unless a newer version of it is known."""
        key, known = key_of(manifest), self._of(kind).get(key_of(manifest))
        if known is None or not _same(known, manifest) or version(known) <= version(manifest):
            self._of(kind)[key] = pods.trimmed(manifest) if kind == PODS else _trimmed(manifest)

    def remove(self, kind: str, manifest: Manifest) -> None:
        """Forget an object that is gone, unless another one has taken its name since."""
        key = key_of(manifest)
        known = self._of(kind).get(key)
        if known is not None and _same(known, manifest):
            del self._of(kind)[key]

    def serves(self, kind: str) -> bool:
        """Tell whether the API server knew the kind when it was last listed."""
        return kind not in self._unserved

    def settle_unserved(self, kind: str) -> None:
        """Note that the API server does not know a kind."""
        self._unserved.add(kind)
        self._of(kind).clear()

    def settle(
        self, kind: str, listed: Iterable[Manifest], *, at: int, namespaces: Iterable[str] = ()
    ) -> None:
        """Take over a full listing made at resource version ``at``, and forget what vanished unnoticed.

        A listing covers ``namespaces``, or all of them where none is named. An object that is newer than the
        listing stays: it was created while the listing was on its way.
        """
        self._unserved.discard(kind)
        seen = {key_of(manifest): manifest for manifest in listed}
        covered = frozenset(namespaces)
        for key, known in list(self._of(kind).items()):
            if key not in seen and version(known) <= at and (not covered or key.namespace in covered):
                del self._of(kind)[key]
        for manifest in seen.values():
            self.put(kind, manifest)

    def _of(self, kind: str) -> dict[ObjectKey, Manifest]:
        return self._objects.setdefault(kind, {})


def key_of(manifest: Manifest) -> ObjectKey:
    """Return the namespace and name of an object."""
    metadata = manifest["metadata"]
    return ObjectKey(metadata.get("namespace", ""), metadata["name"])


def version(manifest: Manifest) -> int:
    """Return the resource version of an object; Kubernetes promises that it can be compared as a number."""
    return int(manifest["metadata"].get("resourceVersion") or 0)


def _same(one: Manifest, other: Manifest) -> bool:
    return bool(one["metadata"].get("uid") == other["metadata"].get("uid"))


def _trimmed(manifest: Manifest) -> Manifest:
    """Leave out the bookkeeping of field managers: it is most of an object, and no decision reads it."""
    metadata = {name: value for name, value in manifest["metadata"].items() if name != "managedFields"}
    return {**manifest, "metadata": metadata}
