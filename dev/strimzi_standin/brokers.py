"""What the broker shows to its clients, and whom it believes: one Secret that it mounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev import certificates
from dev.certificates import Identity
from dev.strimzi_standin.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dev.strimzi_standin.authorities import Authority
    from dev.strimzi_standin.topics import Manifest

CERTIFICATE_HASH = "strimzi.io/server-cert-hash"
_KEYSTORE, _TRUSTSTORE = "keystore.pem", "truststore.pem"


def secret(kafka: Manifest, cluster: Authority, clients: Authority, secrets: Mapping[str, Secret]) -> Secret:
    """Return the broker's Secret; its certificate stays while the present authority vouches for it."""
    name, namespace = kafka["metadata"]["name"], kafka["metadata"]["namespace"]
    own = f"{name}-kafka-brokers"
    before = secrets.get(own)
    keystore = before.data.get(_KEYSTORE, "") if before else ""
    if not keystore or not Identity(keystore, keystore).signed_by(cluster.identity):
        service = f"{name}-kafka-bootstrap"
        hosts = [f"{service}{rest}" for rest in ("", f".{namespace}", f".{namespace}.svc")]
        made = certificates.issue(
            cluster.identity, f"{name}-kafka", hosts=[*hosts, f"{hosts[-1]}.cluster.local", "127.0.0.1"]
        )
        keystore = made.key + made.certificate
    wanted = Secret(own, {_KEYSTORE: keystore, _TRUSTSTORE: clients.trusted})
    return Secret(own, wanted.data, {CERTIFICATE_HASH: wanted.fingerprint()})
