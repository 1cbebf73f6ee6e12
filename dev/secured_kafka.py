"""A broker on this machine that also listens behind TLS, and lets in only whom it knows.

Its plain listener stays open, and whoever comes there may do everything; over TLS (with a certificate) and
over SCRAM (with a password) a user may do what its ACLs say, and nothing else.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeAlias

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # re-exported without saying so
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from typing_extensions import override

from dev import certificates
from dev.kafka import LocalBroker
from dev.server import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_HOST = "127.0.0.1"
_SECONDS = 30
_ITERATIONS = 4096

_Rule: TypeAlias = "tuple[ResourceType, str, ResourcePatternType, str, str, AclOperation, AclPermissionType]"


class SecuredBroker(LocalBroker):
    """A LocalBroker with a listener for certificates and one for passwords."""

    def __init__(self) -> None:
        super().__init__()
        self._tls_port, self._scram_port = free_ports(2)
        self._authority = certificates.authority("cluster-ca")
        self._clients_authority = certificates.authority("clients-ca")

    @property
    def ca_file(self) -> Path:
        """The certificate that the broker's own certificate can be checked with."""
        return self._written("ca.crt", self._authority.certificate)

    def over_tls(self, user: str) -> dict[str, str]:
        """Return a client's settings for a user with a fresh certificate; Kafka knows it as ``CN=user``."""
        identity = certificates.issue(self._clients_authority, user)
        return {
            "bootstrap.servers": f"{_HOST}:{self._tls_port}",
            "security.protocol": "SSL",
            "ssl.ca.location": str(self.ca_file),
            "ssl.certificate.location": str(self._written(f"{user}.crt", identity.certificate)),
            "ssl.key.location": str(self._written(f"{user}.key", identity.key)),
        }

    def over_scram(self, user: str, password: str) -> dict[str, str]:
        """Give a user a password, also in place of another one, and return its client's settings."""
        self._set_password(user, password)
        return {
            "bootstrap.servers": f"{_HOST}:{self._scram_port}",
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": str(self.ca_file),
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": user,
            "sasl.password": password,
        }

    def allow(self, principal: str, resource: ResourceType, name: str, *operations: AclOperation) -> None:
        """Let a principal (``CN=anna`` or ``anna``) do operations on one topic or group."""
        # Kept in a variable: a client that is collected calls off its question.
        admin = self._admin()
        rules = [_rule(principal, resource, name, operation) for operation in operations]
        for future in admin.create_acls([AclBinding(*rule) for rule in rules]).values():
            future.result(timeout=_SECONDS)
        _await_rules(admin, rules, there=True)

    def forbid(self, principal: str, resource: ResourceType, name: str, *operations: AclOperation) -> None:
        """Take back what :meth:`allow` allowed."""
        admin = self._admin()
        rules = [_rule(principal, resource, name, operation) for operation in operations]
        for future in admin.delete_acls([AclBindingFilter(*rule) for rule in rules]).values():
            future.result(timeout=_SECONDS)
        _await_rules(admin, rules, there=False)

    def let_consume(self, principal: str, topic: str, group: str) -> None:
        """Let a principal read a topic in a group."""
        self.allow(principal, ResourceType.TOPIC, topic, AclOperation.READ, AclOperation.DESCRIBE)
        self.allow(principal, ResourceType.GROUP, group, AclOperation.READ)

    def _set_password(self, user: str, password: str) -> None:
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, _ITERATIONS)
        change = UserScramCredentialUpsertion(user, info, password.encode())
        admin = self._admin()
        admin.alter_user_scram_credentials([change])[user].result(timeout=_SECONDS)

    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.bootstrap_servers})

    def _written(self, name: str, text: str) -> Path:
        file = self._folder / name
        file.write_text(text)
        return file

    @override
    def _properties(self) -> str:
        ports = {"TLS": self._tls_port, "SCRAM": self._scram_port}
        added = {
            "listeners": ",".join(f"{name}://{_HOST}:{port}" for name, port in ports.items()),
            "advertised.listeners": ",".join(f"{name}://{_HOST}:{port}" for name, port in ports.items()),
            "listener.security.protocol.map": "TLS:SSL,SCRAM:SASL_SSL",
        }
        lines = super()._properties().splitlines()
        widened = [_widened(line, added) for line in lines]
        own = certificates.issue(self._authority, "broker", hosts=[_HOST])
        keystore = self._written("broker.pem", own.key + own.certificate)
        truststore = self._written("clients-ca.crt", self._clients_authority.certificate)
        return "\n".join([*widened, secured(keystore, truststore)])


def secured(keystore: Path, truststore: Path) -> str:
    """Return the settings of listener TLS for certificates, SCRAM for passwords, and of who may do what.

    Who comes without a name, on a listener that asks for none, may do everything; all others need ACLs.
    """
    login = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    return f"""\
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={truststore}
listener.name.tls.ssl.client.auth=required
listener.name.scram.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.scram.scram-sha-512.sasl.jaas.config={login}
"""


def _widened(line: str, added: dict[str, str]) -> str:
    name, _, value = line.partition("=")
    return f"{name}={value},{added[name]}" if name in added else line


def _rule(principal: str, resource: ResourceType, name: str, operation: AclOperation) -> _Rule:
    return (
        *(resource, name, ResourcePatternType.LITERAL, f"User:{principal}", "*"),
        *(operation, AclPermissionType.ALLOW),
    )


def _await_rules(admin: AdminClient, rules: Iterable[_Rule], *, there: bool) -> None:
    """Wait for the broker, which goes by a rule a moment after its controller took it."""
    deadline = time.monotonic() + _SECONDS
    for rule in rules:
        while bool(admin.describe_acls(AclBindingFilter(*rule)).result(timeout=_SECONDS)) is not there:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the broker does not go by what its controller decided: {rule}")
            time.sleep(0.02)
