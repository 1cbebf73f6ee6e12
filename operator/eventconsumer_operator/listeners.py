"""The listeners that a Strimzi Kafka has published, and which of them fits a client best. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eventconsumer_operator.models import Manifest

_INTERNAL = frozenset({"internal", "cluster-ip"})


@dataclass(frozen=True)
class Listener:
    """One way into a Kafka cluster."""

    name: str
    servers: str
    internal: bool = False
    tls: bool = False
    authentication: str | None = None
    certificates: tuple[str, ...] = ()
    """What the servers' certificates can be checked against, as PEM."""
    own_certificate: bool = False
    """Whether the user brought the servers' certificate, which is then not signed by Strimzi's CA."""

    @property
    def ca_mark(self) -> str | None:
        """Return a short text that changes with the certificates; None where there are none."""
        if not self.tls or not self.certificates:
            return None
        return hashlib.sha256("\n".join(self.certificates).encode()).hexdigest()[:16]


def published(kafka: Manifest) -> list[Listener]:
    """Return the listeners that a Kafka has published, in the order in which its spec declares them."""
    declared: list[Manifest] = kafka.get("spec", {}).get("kafka", {}).get("listeners", [])
    order = [entry.get("name") for entry in declared]
    said = {entry.get("name"): entry for entry in declared}
    found = [
        _listener(entry, said.get(entry["name"], {}))
        for entry in kafka.get("status", {}).get("listeners", [])
        if entry.get("name") and entry.get("bootstrapServers")
    ]
    return sorted(found, key=lambda each: order.index(each.name) if each.name in order else len(order))


def best(listeners: Sequence[Listener], *, authentication: str | None) -> Listener | None:
    """Return the listener of one kind of authentication that fits a client inside the cluster best.

    Internal before external; then the encrypted one, unless nobody logs in: a plain one then needs no CA.
    """
    fitting = [each for each in listeners if each.authentication == authentication]
    return min(
        fitting, key=lambda each: (not each.internal, each.tls == (authentication is None)), default=None
    )


def described(listeners: Sequence[Listener]) -> str:
    """Return listeners as people are told about them."""
    return ", ".join(f"{each.name} ({each.authentication or 'no authentication'})" for each in listeners)


def _listener(entry: Manifest, declared: Manifest) -> Listener:
    certificates = tuple(entry.get("certificates") or ())
    return Listener(
        name=str(entry["name"]),
        servers=str(entry["bootstrapServers"]),
        internal=declared.get("type") in _INTERNAL,
        tls=bool(declared.get("tls", certificates)),
        authentication=(declared.get("authentication") or {}).get("type"),
        certificates=certificates,
        own_certificate="brokerCertChainAndKey" in (declared.get("configuration") or {}),
    )
