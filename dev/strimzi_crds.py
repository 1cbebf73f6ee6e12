"""Strimzi's genuine CRDs, written by Strimzi's own generator from its published classes.

The generator needs a newer Java than many machines have, so it runs in a container.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from dev import kafka_image, maven, versions
from dev.cache import cached
from dev.run import run

if TYPE_CHECKING:
    from pathlib import Path

_API = "io.strimzi.api.kafka.model"
CLASSES = {
    "kafkas": f"{_API}.kafka.Kafka",
    "kafkanodepools": f"{_API}.nodepool.KafkaNodePool",
    "kafkatopics": f"{_API}.topic.KafkaTopic",
    "kafkausers": f"{_API}.user.KafkaUser",
}


def crds() -> Path:
    """Return the folder of Strimzi's CRDs, one YAML file each, making them first where they are missing."""
    return cached("strimzi-crds", versions.STRIMZI, _generate)


def _generate(folder: Path) -> None:
    image = kafka_image.java()
    libraries = folder / "libraries"
    maven.copy_jars([f"io.strimzi:{name}:{versions.STRIMZI}" for name in ("api", "crd-generator")], libraries)
    outputs = [f"{java_class}=/work/{plural}.yaml" for plural, java_class in CLASSES.items()]
    run(
        [
            *("docker", "run", "--rm", "--network=none", f"--user={os.getuid()}:{os.getgid()}"),
            *(f"--volume={folder}:/work", image, "java", "-cp", "/work/libraries/*"),
            *("io.strimzi.crdgenerator.CrdGenerator", "--yaml", *outputs),
        ]
    )
    shutil.rmtree(libraries)
