"""What the watches and listings have seen, by kind, namespace and name, so that deciding needs no reading.

Of two versions of one object the newer is kept: our own writes answer faster than the watch tells of them,
and an older version arriving late must not make us write again. Objects are kept as compressed JSON, a
tenth of what they take as Python's own, and each reader gets a copy of its own.
"""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from sys import intern
from typing import TYPE_CHECKING, NamedTuple

from eventconsumer_operator import pods
from eventconsumer_operator.indexes import INDEXES
from eventconsumer_operator.names import PODS, ObjectKey

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Mapping

    from eventconsumer_operator.models import Manifest


_FAST = 1


class Kept(NamedTuple):
    """One object as it is kept."""

    uid: str | None
    version: int
    packed: bytes
    heard: int
    """The newest version that a watch told of; 0 where none did."""

    @property
    def manifest(self) -> Manifest:
        """The object itself."""
        manifest: Manifest = json.loads(zlib.decompress(self.packed))
        return manifest


class Store:
    """The objects of all watched kinds."""

    def __init__(self) -> None:
        self._kinds: dict[str, _Kind] = {}
        self._unserved: set[str] = set()
        self._gone: dict[str, dict[str | None, int]] = defaultdict(dict)

    def get(self, kind: str, key: ObjectKey) -> Manifest | None:
        """Return one object, or None where it was not seen."""
        kept = self._of(kind).objects.get(key)
        return kept.manifest if kept else None

    def told(self, kind: str, listed: Manifest) -> bool:
        """Tell whether a watch told of this version of an object, of a later one, or that it is gone.

        What listings and our own writes answered does not count.
        """
        if self._gone[kind].get(_uid(listed), -1) >= version(listed):
            return True
        kept = self._of(kind).objects.get(key_of(listed))
        return kept is not None and kept.heard >= version(listed)

    def keys(self, kind: str) -> frozenset[ObjectKey]:
        """Return the key of every object of one kind."""
        return frozenset(self._of(kind).objects)

    def keys_by(self, kind: str, index: str, value: Hashable) -> frozenset[ObjectKey]:
        """Return the keys of the objects of one kind that an index of that kind gives a value."""
        return frozenset(self._of(kind).indexes[index].get(value, ()))

    def find(self, kind: str, index: str, value: Hashable) -> Mapping[ObjectKey, Manifest]:
        """Return the objects of one kind that an index of that kind gives a value."""
        of_kind = self._of(kind)
        return {key: of_kind.objects[key].manifest for key in sorted(self.keys_by(kind, index, value))}

    def put(self, kind: str, manifest: Manifest) -> None:
        """Keep an object, unless a newer version of it is known, or that it is gone."""
        if self._gone[kind].get(_uid(manifest), -1) >= version(manifest):
            return
        key = key_of(manifest)
        known = self._of(kind).objects.get(key)
        if known is None or known.uid != _uid(manifest) or known.version <= version(manifest):
            self._of(kind).keep(key, pods.trimmed(manifest) if kind == PODS else _trimmed(manifest))

    def hear(self, kind: str, manifest: Manifest) -> None:
        """Keep what a watch tells of an object, unless a newer version of it is known."""
        self.put(kind, manifest)
        objects, key, told = self._of(kind).objects, key_of(manifest), version(manifest)
        kept = objects.get(key)
        if kept is not None and kept.heard < told:
            objects[key] = kept._replace(heard=told)

    def remove(self, kind: str, manifest: Manifest) -> None:
        """Forget an object that is gone, unless another one has taken its name since.

        A listing under way may still show it: until it has ended, an older version of it is not kept.
        """
        self._gone[kind][_uid(manifest)] = version(manifest)
        key = key_of(manifest)
        known = self._of(kind).objects.get(key)
        if known is not None and known.uid == _uid(manifest):
            self._of(kind).forget(key)

    def lose(self, kind: str, manifest: Manifest) -> None:
        """Forget an object that was not found, unless more was heard of its name since.

        Nobody said that it was deleted: a watch or a listing that shows it brings it back.
        """
        key = key_of(manifest)
        known = self._of(kind).objects.get(key)
        if known is not None and (known.uid, known.version) == (_uid(manifest), version(manifest)):
            self._of(kind).forget(key)

    def serves(self, kind: str) -> bool:
        """Tell whether the API server knew the kind when it was last listed."""
        return kind not in self._unserved

    def settle_unserved(self, kind: str) -> None:
        """Note that the API server does not know a kind."""
        self._unserved.add(kind)
        self._kinds.pop(kind, None)

    def settle(
        self, kind: str, listed: Collection[ObjectKey], *, at: int, namespaces: Iterable[str] = ()
    ) -> None:
        """Forget what vanished unnoticed: what a full listing made at resource version ``at`` does not show.

        A listing covers ``namespaces``, or all of them where none is named. An object that is newer than the
        listing stays: it was created while the listing was on its way.
        """
        self._unserved.discard(kind)
        self._gone.pop(kind, None)
        covered = frozenset(namespaces)
        for key, known in list(self._of(kind).objects.items()):
            if key not in listed and known.version <= at and (not covered or key.namespace in covered):
                self._of(kind).forget(key)

    def _of(self, kind: str) -> _Kind:
        if kind not in self._kinds:
            self._kinds[kind] = _Kind(kind)
        return self._kinds[kind]


class _Kind:
    """The objects of one kind and its indexes, which always agree."""

    def __init__(self, kind: str) -> None:
        self._by = INDEXES.get(kind, {})
        self.objects: dict[ObjectKey, Kept] = {}
        self.indexes: dict[str, dict[Hashable, set[ObjectKey]]] = {
            index: defaultdict(set) for index in self._by
        }

    def keep(self, key: ObjectKey, manifest: Manifest) -> None:
        heard = self.objects[key].heard if key in self.objects else 0
        if self._by and key in self.objects:
            self.forget(key)
        text = json.dumps(manifest, separators=(",", ":"))
        packed = zlib.compress(text.encode(), _FAST)
        self.objects[key] = Kept(_uid(manifest), version(manifest), packed, heard)
        for index, value_of in self._by.items():
            self.indexes[index][value_of(manifest)].add(key)

    def forget(self, key: ObjectKey) -> None:
        manifest = self.objects.pop(key).manifest
        for index, value_of in self._by.items():
            keys = self.indexes[index][value_of(manifest)]
            keys.discard(key)
            if not keys:
                del self.indexes[index][value_of(manifest)]


def key_of(manifest: Manifest) -> ObjectKey:
    """Return the namespace and name of an object.

    They are interned: every part of the operator keeps the keys of a thousand objects.
    """
    metadata = manifest["metadata"]
    return ObjectKey(intern(metadata.get("namespace", "")), intern(metadata["name"]))


def version(manifest: Manifest) -> int:
    """Return the resource version of an object; Kubernetes promises that it can be compared as a number."""
    return int(manifest["metadata"].get("resourceVersion") or 0)


def _uid(manifest: Manifest) -> str | None:
    uid: str | None = manifest["metadata"].get("uid")
    return uid


def _trimmed(manifest: Manifest) -> Manifest:
    """Leave out the bookkeeping of field managers: it is most of an object, and no decision reads it."""
    metadata = {name: value for name, value in manifest["metadata"].items() if name != "managedFields"}
    return {**manifest, "metadata": metadata}
