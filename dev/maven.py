"""Java libraries from Maven's package index: whatever a program needs, its jars in one folder."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from dev import system, versions
from dev.run import run

if TYPE_CHECKING:
    from collections.abc import Sequence

# The oldest Java that runs Kafka's broker.
_JAVA_AT_LEAST = 17
_PLUGIN = f"org.apache.maven.plugins:maven-dependency-plugin:{versions.MAVEN_DEPENDENCY_PLUGIN}"


def copy_jars(artifacts: Sequence[str], folder: Path) -> None:
    """Copy ``group:name:version`` artifacts and all they need at run time into ``folder``."""
    with tempfile.TemporaryDirectory() as workplace:
        pom = Path(workplace) / "pom.xml"
        pom.write_text(project(artifacts))
        _run(
            *(f"--file={pom}", f"{_PLUGIN}:copy-dependencies"),
            *(f"-DoutputDirectory={folder}", "-DincludeScope=runtime"),
        )


def unpack(artifact: str, folder: Path) -> None:
    """Unpack the archive ``group:name:version:type:classifier`` into ``folder``."""
    with tempfile.TemporaryDirectory() as workplace:
        pom = Path(workplace) / "pom.xml"
        pom.write_text(project([]))
        _run(
            *(f"--file={pom}", f"{_PLUGIN}:unpack"),
            *(f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"),
        )


def project(artifacts: Sequence[str]) -> str:
    """Return the Maven project that depends on ``artifacts`` and does nothing else."""
    dependencies = "\n".join(_dependency(*artifact.split(":")) for artifact in artifacts)
    return f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>eventconsumer.dev</groupId>
  <artifactId>jars</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
{dependencies}
  </dependencies>
</project>
"""


def java() -> str:
    """Return the path of a Java that runs Kafka; exit with what to do where the machine's Java is too old."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin") if home else None
    if found is None:
        system.need("java")
        found = system.find("java") or "java"
    said = run([found, "--version"], timeout=30)
    if (release := major(said)) < _JAVA_AT_LEAST:
        raise SystemExit(f"{found} is Java {release}; set JAVA_HOME to {_JAVA_AT_LEAST} or newer")
    return found


def major(said: str) -> int:
    """Return the major version from what ``java --version`` prints; 0 where it says none."""
    found = re.search(r"\b(\d+)(?:\.\d+)*", said)
    return int(found[1]) if found else 0


def _run(*words: str) -> None:
    system.need("mvn")
    run([system.find("mvn") or "mvn", "--batch-mode", "--quiet", *words])


def _dependency(group: str, name: str, version: str) -> str:
    return (
        f"    <dependency><groupId>{group}</groupId><artifactId>{name}</artifactId>"
        f"<version>{version}</version></dependency>"
    )
