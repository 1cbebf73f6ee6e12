"""Kafka and Strimzi's resources on the cluster: the Kafka ``events`` in namespace ``tasks``.

Where images can be pulled, Strimzi runs it. Elsewhere our single broker does, under Strimzi's names and
behind Strimzi's genuine resource definitions, which the stand-in answers.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from dev import base_image, docker, kafka, kafka_image, secured_kafka, strimzi_crds, versions
from dev.run import persistently
from dev.source import Source, source
from dev.steps import step
from dev.strimzi_standin import brokers

if TYPE_CHECKING:
    from dev.cluster import Cluster

NAMESPACE = "tasks"
_CLUSTER = "events"
# In full, so that no other resource of the name `kafka` can be meant.
_KAFKA = f"kafkas.kafka.strimzi.io/{_CLUSTER}"
_HERE = Path(__file__).parent
_MANIFESTS = _HERE / "manifests"
_STANDIN = _HERE / "strimzi_standin"
_BESIDE = _HERE / "certificates.py"
_LOCK = _HERE.parent / "locks" / "standin.txt"
_STANDIN_IMAGE = f"eventconsumer-dev/strimzi-standin:{versions.STRIMZI}"
_CERTIFICATES = f"secret/{_CLUSTER}-kafka-brokers"
_MOUNTED = Path("/etc/kafka-certificates")
_STRIMZI_CHARTS = "https://strimzi.io/charts/"
_READY = "--timeout=300s"


def install(cluster: Cluster) -> None:
    """Bring Kafka onto the cluster and wait until it is Ready with listeners; repeated, change nothing."""
    _apply(cluster, f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {NAMESPACE}}}\n")
    if source() is Source.OFFICIAL:
        _install_strimzi(cluster)
    else:
        _install_definitions(cluster)
        _install_standin(cluster)
    _apply(cluster, _manifest("kafka.yaml", kafka_port=str(cluster.ports.kafka)))
    if source() is Source.PACKAGES:
        _install_broker(cluster)
    with step(f"Kafka {_CLUSTER}"):
        _in_namespace(cluster, "wait", _KAFKA, "--for=condition=Ready", _READY)
        listeners = "--for=jsonpath={.status.listeners[0].bootstrapServers}"
        _in_namespace(cluster, "wait", _KAFKA, listeners, _READY)


def prepare() -> None:
    """Make what :func:`install` needs; it takes a while, and other builds may go on beside it."""
    if source() is Source.OFFICIAL:
        return
    kafka_image.broker()
    strimzi_crds.crds()
    _standin_image()


def _install_strimzi(cluster: Cluster) -> None:
    with step(f"Strimzi {versions.STRIMZI}"):
        cluster.helm(
            *("upgrade", "--install", "strimzi", "strimzi-kafka-operator", f"--repo={_STRIMZI_CHARTS}"),
            *(f"--version={versions.STRIMZI}", f"--namespace={NAMESPACE}", "--wait", "--timeout=5m"),
        )


def _install_definitions(cluster: Cluster) -> None:
    folder = str(strimzi_crds.crds())
    with step(f"Strimzi's resource definitions {versions.STRIMZI}"):
        cluster.kubectl("apply", "--server-side", "--force-conflicts", "--filename", folder)
        # kubectl's wait gives up at once on a definition that has no condition at all yet.
        wait = ("wait", "--for=condition=Established", "--filename", folder, _READY)
        persistently(lambda: cluster.kubectl(*wait), within=30)


def _install_broker(cluster: Cluster) -> None:
    image = kafka_image.broker()
    cluster.load_image(image)
    with step(f"Kafka {versions.KAFKA}"):
        certificates = _certificate_hash(cluster)
        _apply(cluster, broker_manifest(cluster.ports.kafka, image, docker.id_of(image), certificates))
        _in_namespace(cluster, "rollout", "status", "statefulset/events-kafka", _READY)


def _certificate_hash(cluster: Cluster) -> str:
    """Wait until the stand-in has made the broker's certificates, and return which ones they are."""
    _in_namespace(cluster, "wait", _CERTIFICATES, "--for=create", _READY)
    escaped = brokers.CERTIFICATE_HASH.replace(".", r"\.")
    return _in_namespace(
        cluster, "get", _CERTIFICATES, f"--output=jsonpath={{.metadata.annotations.{escaped}}}"
    )


def _install_standin(cluster: Cluster) -> None:
    image = _standin_image()
    cluster.load_image(image)
    with step("The stand-in for Strimzi"):
        _apply(
            cluster,
            _manifest(
                "strimzi-standin.yaml",
                image=image,
                recipe=docker.id_of(image),
                kafka_version=versions.KAFKA,
            ),
        )
        _in_namespace(cluster, "rollout", "status", "deployment/strimzi-standin", _READY)


def broker_manifest(kafka_port: int, image: str, image_id: str, certificate_hash: str) -> str:
    """Return the broker's objects; its external listener is advertised as this machine's port."""
    inside = f"{_CLUSTER}-kafka-bootstrap.{NAMESPACE}.svc"
    advertised = {
        "PLAIN": f"{inside}:9092",
        "TLS": f"{inside}:9093",
        "SCRAM": f"{inside}:9094",
        "EXTERNAL": f"127.0.0.1:{kafka_port}",
        "REPLICATION": "127.0.0.1:9091",
        "CONTROLLER": "127.0.0.1:9090",
    }
    secured = secured_kafka.secured(_MOUNTED / "keystore.pem", _MOUNTED / "truststore.pem")
    return _manifest(
        "broker.yaml",
        kafka_port=str(kafka_port),
        image=image,
        # Kafka reads its settings once, so other settings make other pods.
        recipe=docker.recipe(image_id, _MANIFESTS / "broker.yaml", kafka.SINGLE_NODE, secured),
        certificate_hash_name=brokers.CERTIFICATE_HASH,
        certificate_hash=certificate_hash,
        advertised=",".join(f"{name}://{address}" for name, address in advertised.items()),
        secured=_indented(secured),
        single_node=_indented(kafka.SINGLE_NODE),
    )


def _standin_image() -> str:
    base = base_image.python()
    made_by = docker.recipe(_STANDIN, _BESIDE, _LOCK, docker.id_of(base))
    return docker.made(_STANDIN_IMAGE, made_by, lambda: _build_standin(made_by, base))


def _build_standin(made_by: str, base: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        shutil.copy(_LOCK, context)
        shutil.copy(_STANDIN / "Dockerfile", context)
        python = shutil.ignore_patterns("__pycache__", "Dockerfile")
        shutil.copytree(_STANDIN, context / "dev" / _STANDIN.name, ignore=python)
        shutil.copy(_BESIDE, context / "dev")
        docker.build(_STANDIN_IMAGE, context, recipe=made_by, args={"BASE_IMAGE": base})


def _manifest(name: str, **values: str) -> str:
    return Template((_MANIFESTS / name).read_text()).substitute(values)


def _apply(cluster: Cluster, manifests: str) -> None:
    applying = ("apply", "--server-side", "--force-conflicts", "--filename=-")
    cluster.kubectl(*applying, stdin=manifests)


def _in_namespace(cluster: Cluster, *words: str) -> str:
    return cluster.kubectl(*words, f"--namespace={NAMESPACE}")


def _indented(settings: str) -> str:
    return settings.strip().replace("\n", "\n    ")
