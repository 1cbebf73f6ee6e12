"""The KafkaUser that workers log in as: whether it can be used, and how it proves who it is. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eventconsumer_operator.findings import Finding
from eventconsumer_operator.names import CLUSTER_LABEL, STRIMZI, ConditionType, Reason
from eventconsumer_operator.security import Sasl, SecretKey, Security, Tls

if TYPE_CHECKING:
    from eventconsumer_operator.models import Manifest

TLS, SCRAM = "tls", "scram-sha-512"
"""The kinds of authentication for which Strimzi makes a Secret."""


@dataclass(frozen=True)
class User:
    """A KafkaUser that workers can log in as."""

    name: str
    authentication: str
    username: str
    secret: str

    @property
    def principal(self) -> str:
        """Return what Kafka calls this user, as authorizers and super users are told of it."""
        if self.authentication == TLS:
            return self.username if self.username.startswith("CN=") else f"CN={self.username}"
        return self.username

    def secured(self, tls: Tls | None) -> Security:
        """Return how this user's connection to a listener is protected."""
        if self.authentication == TLS:
            ca = tls.ca if tls else None
            return Security(Tls(ca, SecretKey(self.secret, "user.crt"), SecretKey(self.secret, "user.key")))
        return Security(tls, Sasl("SCRAM-SHA-512", self.username, SecretKey(self.secret, "password")))


def user_of(manifest: Manifest, *, cluster: str | None) -> User | Finding:
    """Return a KafkaUser of the named Kafka as workers use it, or why they can't."""
    metadata, spec, status = manifest["metadata"], manifest.get("spec", {}), manifest.get("status") or {}
    name = str(metadata["name"])
    mine = (metadata.get("labels") or {}).get(CLUSTER_LABEL)
    if cluster is not None and mine != cluster:
        belongs = f"belongs to Kafka {mine}" if mine else f"has no label {CLUSTER_LABEL}"
        return fault(
            Reason.AUTHENTICATION_MISMATCH,
            f"KafkaUser {name} {belongs}, and the topic is in Kafka {cluster}; name a KafkaUser of {cluster}",
        )
    authentication = (spec.get("authentication") or {}).get("type")
    if authentication not in {TLS, SCRAM}:
        has = f"authentication {authentication}" if authentication else "no authentication"
        return fault(
            Reason.AUTHENTICATION_MISMATCH,
            f"KafkaUser {name} has {has}, for which Strimzi makes no Secret;"
            f" set its spec.authentication.type to {TLS} or {SCRAM}",
        )
    if not _ready(status):
        return fault(Reason.USER_NOT_READY, f"KafkaUser {name} is not ready: {_why(status)}")
    return User(
        name=name,
        authentication=authentication,
        username=str(status.get("username") or name),
        secret=str(status.get("secret") or name),
    )


def missing(name: str, *, namespace: str, served: bool) -> Finding:
    """Say that there is no such KafkaUser."""
    hint = "" if served else f"; this cluster serves no {STRIMZI} KafkaUsers, is Strimzi installed?"
    return fault(Reason.USER_NOT_FOUND, f"KafkaUser {name} does not exist in namespace {namespace}{hint}")


def fault(reason: Reason, message: str) -> Finding:
    """Return a fault of the user."""
    return Finding(ConditionType.USER_READY, reason, message)


def _conditions(status: Manifest) -> dict[str, Manifest]:
    return {entry.get("type", ""): entry for entry in status.get("conditions", [])}


def _ready(status: Manifest) -> bool:
    """Tell whether Strimzi has done its part; one that it was told to pause can still be used."""
    found = _conditions(status)
    if "Ready" not in found and found.get("ReconciliationPaused", {}).get("status") == "True":
        return True
    return found.get("Ready", {}).get("status") == "True"


def _why(status: Manifest) -> str:
    found = _conditions(status)
    said = found.get("NotReady") or found.get("Ready") or {}
    why = ": ".join(part for part in (said.get("reason"), said.get("message")) if part)
    return why or "Strimzi has not said so yet"
