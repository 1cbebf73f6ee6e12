"""What the end-to-end tests say to the cluster, in kubectl's words."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

Manifest = dict[str, Any]


class Kubernetes:
    """One namespace of one cluster, through kubectl.

    A command that kubectl refuses raises Refused with what kubectl said.
    """

    def __init__(self, kubectl: Path, kubeconfig: Path, namespace: str) -> None:
        self.namespace = namespace
        self.environment = os.environ | {"KUBECONFIG": str(kubeconfig)}
        self._kubectl = str(kubectl)

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        """Run one kubectl command in the namespace and return what it printed."""
        done = subprocess.run(
            [self._kubectl, "--namespace", self.namespace, *words],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        if done.returncode != 0:
            raise Refused(done.stderr.strip())
        return done.stdout

    def apply(self, manifest: Manifest) -> None:
        """Apply one manifest."""
        self.kubectl("apply", "--filename=-", stdin=json.dumps(manifest))

    def get(self, kind: str, name: str) -> Manifest:
        """Read one object; raise Refused where it is missing."""
        found: Manifest = json.loads(self.kubectl("get", kind, name, "--output=json"))
        return found

    def list(self, kind: str, selector: str = "") -> list[Manifest]:
        """Read all objects of a kind, or those that a label selector picks."""
        items: list[Manifest] = json.loads(
            self.kubectl("get", kind, f"--selector={selector}", "--output=json")
        )["items"]
        return items

    def delete(self, kind: str, name: str) -> None:
        """Delete one object and wait until it is gone; a missing one is gone already."""
        self.kubectl("delete", kind, name, "--ignore-not-found", "--timeout=60s")

    def status(self, consumer: str) -> Manifest:
        """Read an EventConsumer's status; empty until the operator has written one for this generation."""
        resource = self.get("eventconsumer", consumer)
        status: Manifest = resource.get("status", {})
        return status if status.get("observedGeneration") == resource["metadata"]["generation"] else {}

    def row(self, consumer: str) -> dict[str, str]:
        """Read one line of ``kubectl get eventconsumers`` as column to cell.

        Cells are cut by the header's positions, since a cell may be empty.
        """
        header, line = self.kubectl("get", "eventconsumer", consumer).splitlines()
        starts = [header.index(title) for title in header.split()]
        ends = [*starts[1:], None]
        return {header[a:b].strip(): line[a:b].strip() for a, b in zip(starts, ends, strict=True)}


class Refused(Exception):  # noqa: N818  # reads as the sentence it stands in: pytest.raises(Refused)
    """What kubectl said when it, or the API server, refused."""
