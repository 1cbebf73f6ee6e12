"""Kafka's image for the cluster, and the Java image it stands on, both made from packages."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from dev import base_image, docker, kafka, versions
from dev.steps import step

JAVA = f"eventconsumer-dev/java:{versions.DEBIAN}"
KAFKA = f"eventconsumer-dev/kafka:{versions.KAFKA}"
_HERE = Path(__file__).parent


def java() -> str:
    """Return the name of the Java image, building it where Docker's store lacks it or it is outdated."""
    context = _HERE / "java"
    base = base_image.python()
    made_by = docker.recipe(context, docker.id_of(base))
    if docker.recipe_of(JAVA) != made_by:
        with step(f"Image {JAVA}"):
            docker.build(JAVA, context, recipe=made_by, args={"BASE_IMAGE": base})
    return JAVA


def broker() -> str:
    """Return the name of Kafka's image, building it where Docker's store lacks it or it is outdated."""
    base = java()
    made_by = docker.recipe(_HERE / "broker", versions.KAFKA, docker.id_of(base))
    if docker.recipe_of(KAFKA) != made_by:
        jars = kafka.jars()
        with step(f"Image {KAFKA}"), tempfile.TemporaryDirectory() as folder:
            context = Path(folder)
            shutil.copytree(_HERE / "broker", context, dirs_exist_ok=True)
            shutil.copytree(jars, context / "jars")
            docker.build(KAFKA, context, recipe=made_by, args={"BASE_IMAGE": base})
    return KAFKA
