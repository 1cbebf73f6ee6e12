"""Whether a KafkaUser may do what workers do, told from its ACLs before Kafka refuses anything. Pure.

Kafka's own rules: a deny wins over every allow; Read, Write, Delete and Alter imply Describe; All is every
operation. An ACL for certain hosts may or may not be about the pods: an allow is believed, a deny is not.
Where ACLs are not the User Operator's (another authorizer, a super user), there is nothing to find.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eventconsumer_operator.models import Manifest

_IMPLY_DESCRIBE = frozenset({"Read", "Write", "Delete", "Alter"})
_ALL = "All"
_EVERYWHERE = "*"


@dataclass(frozen=True)
class Need:
    """What workers do with one topic or group."""

    resource: str
    name: str
    operations: tuple[str, ...]

    @property
    def yaml(self) -> str:
        """Return the ACL that allows it, as a KafkaUser has it."""
        return (
            f"- resource: {{type: {self.resource}, name: {json.dumps(self.name)}, patternType: literal}}\n"
            f"  operations: [{', '.join(self.operations)}]"
        )


def needs(*, topic: str, group: str, dead_letter_topic: str) -> list[Need]:
    """Return all that workers do: read a topic in a group, and write to another what can't be handled."""
    return [
        Need("topic", topic, ("Read", "Describe")),
        Need("group", group, ("Read", "Describe")),
        Need("topic", dead_letter_topic, ("Write", "Describe")),
    ]


def missing(user: Manifest, kafka: Manifest, wanted: Iterable[Need], *, principal: str) -> list[Need]:
    """Return what a user may not do of what is wanted; ``principal`` is its name in Kafka."""
    authorizer = kafka.get("spec", {}).get("kafka", {}).get("authorization") or {}
    if authorizer.get("type") != "simple" or principal in (authorizer.get("superUsers") or []):
        return []
    acls = (user.get("spec", {}).get("authorization") or {}).get("acls") or []
    lacking = [
        Need(need.resource, need.name, tuple(each for each in need.operations if not _may(acls, need, each)))
        for need in wanted
    ]
    return [need for need in lacking if need.operations]


def advice(user: Manifest, lacking: Sequence[Need]) -> str:
    """Return what a person should do about missing ACLs, with the YAML to paste."""
    name = user["metadata"]["name"]
    may_not = "; ".join(f"{' and '.join(need.operations)} {need.resource} {need.name}" for need in lacking)
    acls = "\n".join(need.yaml for need in lacking)
    if user.get("spec", {}).get("authorization"):
        return f"KafkaUser {name} may not {may_not}. Add to its spec.authorization.acls:\n{acls}"
    inner = "\n".join(f"  {line}" for line in acls.splitlines())
    whole = f"authorization:\n  type: simple\n  acls:\n{inner}"
    return f"KafkaUser {name} may not {may_not}. Add to its spec:\n{whole}"


def _may(acls: Iterable[Manifest], need: Need, operation: str) -> bool:
    about = [acl for acl in acls if _concerns(acl.get("resource") or {}, need)]
    denied = any(
        acl.get("type") == "deny"
        and (acl.get("host") or _EVERYWHERE) == _EVERYWHERE
        and _operations(acl) & {operation, _ALL}
        for acl in about
    )
    allowed = any(acl.get("type", "allow") == "allow" and _allows(acl, operation) for acl in about)
    return allowed and not denied


def _allows(acl: Manifest, operation: str) -> bool:
    given = _operations(acl)
    implied = operation == "Describe" and bool(given & _IMPLY_DESCRIBE)
    return implied or bool(given & {operation, _ALL})


def _operations(acl: Manifest) -> set[str]:
    """Return an ACL's operations; Strimzi once had one of them in each, and still takes that."""
    single = acl.get("operation")
    return {*(acl.get("operations") or []), *([single] if single else [])}


def _concerns(resource: Manifest, need: Need) -> bool:
    if resource.get("type") != need.resource:
        return False
    name = str(resource.get("name", ""))
    if resource.get("patternType") == "prefix":
        return need.name.startswith(name)
    return name in {need.name, _EVERYWHERE}
