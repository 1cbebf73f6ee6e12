"""How workers' connections are protected: protocol, certificates, who logs in. Secrets are only named. Pure.

The operator may not read Secrets. What a worker needs of them is mounted into its pods, so this module knows
the names of Secrets and of their keys, and never what is in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from eventconsumer_operator.models import KafkaAddress, KafkaSasl, KafkaTls


class SecretKey(NamedTuple):
    """One key of one Secret in the consumer's namespace."""

    name: str
    key: str


@dataclass(frozen=True)
class Tls:
    """An encrypted connection."""

    ca: SecretKey | None = None
    """What the servers' certificates are checked against; None is what the system trusts."""
    certificate: SecretKey | None = None
    """The workers' own certificate; None where the servers ask for none."""
    key: SecretKey | None = None


@dataclass(frozen=True)
class Sasl:
    """A login with a user name and a password."""

    mechanism: str
    username: str | SecretKey
    password: SecretKey


@dataclass(frozen=True)
class Security:
    """How one connection is protected."""

    tls: Tls | None = None
    sasl: Sasl | None = None

    @property
    def protocol(self) -> str:
        """Return Kafka's name for it."""
        encryption = "SSL" if self.tls else "PLAINTEXT"
        return f"SASL_{encryption}" if self.sasl else encryption

    @property
    def names_secrets(self) -> bool:
        """Tell whether nobody can connect who does not know what is in some Secret."""
        return self.sasl is not None or (self.tls is not None and self.tls != Tls())


def asked_for(address: KafkaAddress) -> Security:
    """Return the protection that a spec asks for with servers of its own."""
    return Security(_tls(address.tls), _sasl(address.sasl))


def _tls(asked: KafkaTls | None) -> Tls | None:
    if asked is None:
        return None
    ca, own = asked.ca_secret_ref, asked.certificate_secret_ref
    return Tls(
        SecretKey(ca.name, ca.key) if ca else None,
        SecretKey(own.name, own.certificate) if own else None,
        SecretKey(own.name, own.key) if own else None,
    )


def _sasl(asked: KafkaSasl | None) -> Sasl | None:
    if asked is None:
        return None
    user, password = asked.username_secret_ref, asked.password_secret_ref
    username = SecretKey(user.name, user.key) if user else asked.username or ""
    return Sasl(asked.mechanism, username, SecretKey(password.name, password.key))


OPEN = Security()
"""Neither encrypted nor asked who connects."""
