"""How the operator itself reaches a Kafka cluster: like its workers, without their Secrets. Pure.

One cluster has one access, however many EventConsumers are on it and whatever listeners they name: so one
connection serves them all. Where the operator can't log in, the access says what is missing, and lag is
unknown with that reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from eventconsumer_operator.listeners import Listener, best, described, published
from eventconsumer_operator.model_base import Model

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eventconsumer_operator.connection import Connection
    from eventconsumer_operator.models import Manifest

SCRAM = "scram-sha-512"


class Credentials(Model):
    """What the operator was given for one Kafka cluster: a folder with the files of a Secret."""

    folder: str
    namespace: str | None = None
    kafka: str | None = None
    """The Kafka resource they are for; None where they are for bootstrap servers."""
    bootstrap_servers: str | None = None
    listener: str | None = None
    """Which listener to use; None lets the best be chosen."""
    authentication: Literal["tls", "scram-sha-512", "password"] | None = None
    """None where the folder has only the CA of servers that ask nobody who comes."""
    username: str | None = None


@dataclass(frozen=True)
class Login:
    """How the operator logs in; what is secret about it stays in the folder."""

    folder: str
    mechanism: str | None = None
    """The SASL mechanism; None where no password is asked for."""
    username: str | None = None
    certificate: bool = False
    """Whether the folder has a certificate of the operator's own."""
    has_ca: bool = False
    """Whether its ca.crt, if there is one, is that of the servers."""


@dataclass(frozen=True, slots=True)
class Access:
    """One way to one Kafka cluster; equal ways share one connection."""

    servers: str
    tls: bool = False
    ca: str | None = None
    """What the servers' certificates are checked against, as PEM; None is what the system trusts."""
    login: Login | None = None
    fault: str | None = None
    """Why the cluster can't be asked at all, and what helps."""


def through_strimzi(kafka: Manifest, given: Iterable[Credentials]) -> Access:
    """Return the access to a Kafka that Strimzi runs."""
    name, namespace = kafka["metadata"]["name"], kafka["metadata"].get("namespace")
    mine = next((each for each in given if (each.namespace, each.kafka) == (namespace, name)), None)
    listeners = published(kafka)
    listener = _listener(listeners, mine)
    if listener is None:
        return Access(f"Kafka {namespace}/{name}", fault=_why(name, listeners, mine))
    ca = "\n".join(listener.certificates) if listener.tls and not listener.own_certificate else None
    return Access(listener.servers, listener.tls, ca or None, _login(mine))


def to_servers(connection: Connection, given: Iterable[Credentials]) -> Access:
    """Return the access to a Kafka of which only the workers' own connection is known."""
    servers, security = connection.bootstrap_servers, connection.security
    mine = next((each for each in given if each.bootstrap_servers == servers), None)
    if mine is not None:
        mechanism = security.sasl.mechanism if security.sasl else None
        login = Login(
            mine.folder, mechanism, mine.username, certificate=mine.authentication == "tls", has_ca=True
        )
        return Access(servers, tls=security.tls is not None, login=login)
    if security.names_secrets:
        return Access(
            servers,
            fault=f"the connection to {servers} needs a Secret, and the operator may read none: name one for"
            " it in the chart's kafkaCredentials",
        )
    return Access(servers, tls=security.tls is not None)


def _listener(listeners: Sequence[Listener], mine: Credentials | None) -> Listener | None:
    if mine is not None and mine.listener is not None:
        return next((each for each in listeners if each.name == mine.listener), None)
    return best(listeners, authentication=mine.authentication if mine else None)


def _login(mine: Credentials | None) -> Login | None:
    if mine is None:
        return None
    if mine.authentication == SCRAM:
        return Login(mine.folder, "SCRAM-SHA-512", mine.username)
    return Login(mine.folder, certificate=True)


def _why(name: str, listeners: Sequence[Listener], mine: Credentials | None) -> str:
    if not listeners:
        return f"Kafka {name} has published no listener yet"
    if mine is None:
        return (
            f"every listener of Kafka {name} asks who comes, and the operator has no credentials: name the"
            " Secret of a KafkaUser for it in the chart's kafkaCredentials"
        )
    wanted = mine.listener or f"with authentication {mine.authentication}"
    return (
        f"Kafka {name} has no listener {wanted}, which the chart's kafkaCredentials are for;"
        f" it has {described(listeners)}"
    )
