"""What a KafkaUser asks for: its name in Kafka, its ACLs, its Secret and its status. Decisions only.

Quotas are left to the real Strimzi.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from secrets import choice
from typing import TYPE_CHECKING

from dev import certificates
from dev.certificates import Identity
from dev.strimzi_standin.secret import FORCE_RENEW, Secret
from dev.strimzi_standin.topics import Problem, condition, paused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dev.strimzi_standin.authorities import Authority
    from dev.strimzi_standin.topics import Manifest

_PASSWORD_CHARACTERS = 32
_LOGIN = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="{}" password="{}";'


@dataclass(frozen=True)
class Rule:
    """One ACL of a user, in the words of a KafkaUser; every operation is a rule of its own."""

    resource: str
    name: str
    pattern: str
    host: str
    operation: str
    permission: str


def authentication(user: Manifest) -> str | None:
    """Return how a user proves who it is; None where it never has to."""
    kind: str | None = (user["spec"].get("authentication") or {}).get("type")
    return kind


def username(user: Manifest) -> str:
    """Return the name that Kafka knows a user by: a certificate's whole subject, or the plain name."""
    name = str(user["metadata"]["name"])
    return f"CN={name}" if authentication(user) in {"tls", "tls-external"} else name


def rules(user: Manifest) -> frozenset[Rule]:
    """Return the ACLs that a user asks for."""
    authorization = user["spec"].get("authorization") or {}
    return frozenset(
        Rule(
            resource=acl["resource"]["type"],
            name=acl["resource"].get("name", "kafka-cluster"),
            pattern=acl["resource"].get("patternType", "literal"),
            host=acl.get("host", "*"),
            operation=operation,
            permission=acl.get("type", "allow"),
        )
        for acl in authorization.get("acls", [])
        for operation in acl["operations"]
    )


def secret(user: Manifest, clients: Authority, secrets: Mapping[str, Secret]) -> Secret | Problem | None:
    """Return a user's Secret as it should be, why there can't be one, or None where the user needs none."""
    before = secrets.get(user["metadata"]["name"])
    if authentication(user) == "tls":
        return _with_certificate(user, clients, before)
    if authentication(user) == "scram-sha-512":
        return _with_password(user, before, secrets)
    return None


def status(user: Manifest, problem: Problem | None, *, now: str) -> Manifest:
    """Return a KafkaUser's status in Strimzi's words."""
    before = user.get("status", {})
    if paused(user):
        wanted = {"type": "ReconciliationPaused", "status": "True"}
    elif problem:
        wanted = {
            "type": "NotReady",
            "status": "True",
            "reason": problem.reason,
            "message": problem.message,
        }
    else:
        wanted = {"type": "Ready", "status": "True"}
    fields = {
        "conditions": [condition(wanted, before, now=now)],
        "observedGeneration": user["metadata"]["generation"],
    }
    if paused(user) or problem:
        return fields
    has_secret = authentication(user) in {"tls", "scram-sha-512"}
    return (
        fields | {"username": username(user)} | ({"secret": user["metadata"]["name"]} if has_secret else {})
    )


def _with_certificate(user: Manifest, clients: Authority, before: Secret | None) -> Secret:
    name = user["metadata"]["name"]
    authority = clients.identity
    data = before.data if before else {}
    present = Identity(data.get("user.crt", ""), data.get("user.key", ""))
    kept = (
        before
        and not before.asks_to(FORCE_RENEW)
        and data.get("ca.crt") == authority.certificate
        and present.certificate
        and present.key
    )
    identity = present if kept else certificates.issue(authority, name)
    return Secret(
        name,
        {"ca.crt": authority.certificate, "user.crt": identity.certificate, "user.key": identity.key},
    )


def _with_password(user: Manifest, before: Secret | None, secrets: Mapping[str, Secret]) -> Secret | Problem:
    name = user["metadata"]["name"]
    given = user["spec"]["authentication"].get("password")
    if given:
        source = given["valueFrom"]["secretKeyRef"]
        holder = secrets.get(source["name"])
        password = holder.data.get(source["key"], "") if holder else ""
        if not password:
            missing = f"Secret {source['name']} with requested user password does not exist or lacks its key."
            return Problem("InvalidResourceException", missing)
    else:
        password = (before.data.get("password") if before else None) or _password()
    return Secret(name, {"password": password, "sasl.jaas.config": _LOGIN.format(name, password)})


def _password() -> str:
    letters = string.ascii_letters + string.digits
    return "".join(choice(letters) for _ in range(_PASSWORD_CHARACTERS))
