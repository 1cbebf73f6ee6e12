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

from dev import base_image, docker, kafka, kafka_image, strimzi_crds, versions
from dev.run import persistently
from dev.source import Source, source
from dev.steps import step

if TYPE_CHECKING:
    from dev.cluster import Cluster

NAMESPACE = "tasks"
_CLUSTER = "events"
# In full, so that no other resource of the name `kafka` can be meant.
_KAFKA = f"kafkas.kafka.strimzi.io/{_CLUSTER}"
_HERE = Path(__file__).parent
_MANIFESTS = _HERE / "manifests"
_STANDIN = _HERE / "strimzi_standin"
_LOCK = _HERE.parent / "locks" / "operator.txt"
_STANDIN_IMAGE = f"eventconsumer-dev/strimzi-standin:{versions.STRIMZI}"
_STRIMZI_CHARTS = "https://strimzi.io/charts/"
_READY = "--timeout=300s"


def install(cluster: Cluster) -> None:
    """Bring Kafka onto the cluster and wait until it is Ready with listeners; repeated, change nothing."""
    _apply(cluster, f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {NAMESPACE}}}\n")
    if source() is Source.OFFICIAL:
        _install_strimzi(cluster)
    else:
        _install_definitions(cluster)
        _install_broker(cluster)
        _install_standin(cluster)
    with step(f"Kafka {_CLUSTER}"):
        _apply(cluster, _manifest("kafka.yaml", kafka_port=str(cluster.ports.kafka)))
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
        _apply(cluster, broker_manifest(cluster.ports.kafka, image, recipe=docker.id_of(image)))
        _in_namespace(cluster, "rollout", "status", "statefulset/events-kafka", _READY)


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


def broker_manifest(kafka_port: int, image: str, *, recipe: str) -> str:
    """Return the broker's objects; its external listener is advertised as this machine's port."""
    advertised = {
        "PLAIN": f"{_CLUSTER}-kafka-bootstrap.{NAMESPACE}.svc:9092",
        "EXTERNAL": f"127.0.0.1:{kafka_port}",
        "REPLICATION": "127.0.0.1:9091",
        "CONTROLLER": "127.0.0.1:9090",
    }
    return _manifest(
        "broker.yaml",
        kafka_port=str(kafka_port),
        image=image,
        recipe=recipe,
        advertised=",".join(f"{name}://{address}" for name, address in advertised.items()),
        single_node=kafka.SINGLE_NODE.strip().replace("\n", "\n    "),
    )


def _standin_image() -> str:
    base = base_image.python()
    made_by = docker.recipe(*_STANDIN.glob("*.py"), _STANDIN / "Dockerfile", _LOCK, docker.id_of(base))
    return docker.made(_STANDIN_IMAGE, made_by, lambda: _build_standin(made_by, base))


def _build_standin(made_by: str, base: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        shutil.copy(_LOCK, context)
        shutil.copy(_STANDIN / "Dockerfile", context)
        shutil.copytree(_STANDIN, context / "strimzi_standin", ignore=shutil.ignore_patterns("__pycache__"))
        docker.build(_STANDIN_IMAGE, context, recipe=made_by, args={"BASE_IMAGE": base})


def _manifest(name: str, **values: str) -> str:
    return Template((_MANIFESTS / name).read_text()).substitute(values)


def _apply(cluster: Cluster, manifests: str) -> None:
    applying = ("apply", "--server-side", "--force-conflicts", "--filename=-")
    cluster.kubectl(*applying, stdin=manifests)


def _in_namespace(cluster: Cluster, *words: str) -> None:
    cluster.kubectl(*words, f"--namespace={NAMESPACE}")
