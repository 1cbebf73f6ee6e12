"""How a connection's protection reaches the workers: variables and mounted Secrets, and back from both. Pure.

Invariant: what is read back from a pod is what it was made with, so that workers keep their connection also
when the resources that told it are gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventconsumer_operator.security import OPEN, Sasl, SecretKey, Security, Tls

if TYPE_CHECKING:
    from eventconsumer_operator.models import Manifest

CA_FOLDER = "/etc/eventconsumer/kafka/ca"
USER_FOLDER = "/etc/eventconsumer/kafka/user"
_CA_VOLUME, _USER_VOLUME = "kafka-ca", "kafka-user"
_CA, _CERTIFICATE, _KEY, _PASSWORD = "ca.crt", "user.crt", "user.key", "password"


def variables(security: Security) -> dict[str, str | SecretKey]:
    """Return what a worker is told about its connection's protection; nothing where there is none."""
    told: dict[str, str | SecretKey] = {}
    if security != OPEN:
        told["KAFKA_SECURITY_PROTOCOL"] = security.protocol
    if security.tls and security.tls.ca:
        told["KAFKA_CA_LOCATION"] = f"{CA_FOLDER}/{_CA}"
    if security.tls and security.tls.certificate and security.tls.key:
        told["KAFKA_CERTIFICATE_LOCATION"] = f"{USER_FOLDER}/{_CERTIFICATE}"
        told["KAFKA_KEY_LOCATION"] = f"{USER_FOLDER}/{_KEY}"
    if security.sasl:
        told["KAFKA_SASL_MECHANISM"] = security.sasl.mechanism
        told["KAFKA_SASL_USERNAME"] = security.sasl.username
        told["KAFKA_SASL_PASSWORD_FILE"] = f"{USER_FOLDER}/{_PASSWORD}"
    return told


def volumes(security: Security) -> list[Manifest]:
    """Return the volumes that bring the needed keys of Secrets, and no others, into a pod."""
    return [
        {"name": name, "projected": {"sources": [_source(file, secret) for file, secret in files.items()]}}
        for name, files in _files(security).items()
    ]


def mounts(security: Security) -> list[Manifest]:
    """Return where those volumes are mounted: as folders, which follow a renewed Secret."""
    folders = {_CA_VOLUME: CA_FOLDER, _USER_VOLUME: USER_FOLDER}
    return [{"name": name, "mountPath": folders[name], "readOnly": True} for name in _files(security)]


def secrets(pod: Manifest) -> frozenset[str]:
    """Return the names of the Secrets without which a pod can't start."""
    return frozenset(
        source["secret"]["name"]
        for volume in pod.get("volumes", [])
        for source in volume.get("projected", {}).get("sources", [])
        if "secret" in source
    )


def protection(pod: Manifest, env: dict[str, Manifest]) -> Security:
    """Return the protection that a pod's connection was given; ``env`` has its worker's variables by name."""
    protocol = str(env.get("KAFKA_SECURITY_PROTOCOL", {}).get("value", "PLAINTEXT"))
    files = {
        item["path"]: SecretKey(source["secret"]["name"], item["key"])
        for volume in pod.get("volumes", [])
        if volume.get("name") in {_CA_VOLUME, _USER_VOLUME}
        for source in volume.get("projected", {}).get("sources", [])
        for item in source.get("secret", {}).get("items", [])
    }
    tls = Tls(files.get(_CA), files.get(_CERTIFICATE), files.get(_KEY)) if protocol.endswith("SSL") else None
    sasl = None
    if protocol.startswith("SASL") and _PASSWORD in files:
        mechanism = str(env.get("KAFKA_SASL_MECHANISM", {}).get("value", ""))
        sasl = Sasl(mechanism, _username(env.get("KAFKA_SASL_USERNAME", {})), files[_PASSWORD])
    return Security(tls, sasl)


def _files(security: Security) -> dict[str, dict[str, SecretKey]]:
    """Return the files of each volume, and which key of which Secret is in them."""
    tls, sasl = security.tls or Tls(), security.sasl
    user = {_CERTIFICATE: tls.certificate, _KEY: tls.key, _PASSWORD: sasl.password if sasl else None}
    wanted = {_CA_VOLUME: {_CA: tls.ca}, _USER_VOLUME: user}
    present = {
        name: {file: secret for file, secret in files.items() if secret} for name, files in wanted.items()
    }
    return {name: files for name, files in present.items() if files}


def _source(file: str, secret: SecretKey) -> Manifest:
    return {"secret": {"name": secret.name, "items": [{"key": secret.key, "path": file}]}}


def _username(variable: Manifest) -> str | SecretKey:
    reference = variable.get("valueFrom", {}).get("secretKeyRef")
    return SecretKey(reference["name"], reference["key"]) if reference else str(variable.get("value", ""))
