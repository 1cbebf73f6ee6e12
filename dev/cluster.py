"""One kind cluster: made, found again, started after Docker was stopped, healed, deleted.

The demo and the tests each have a cluster of a fixed name with host ports of its own, so that one never
disturbs the other. A cluster counts as whole only once its node carries our label, which is written
last: what a killed ``up`` left behind is made anew.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path

from dev import base_image, docker, node_image, toolchain, tools
from dev.cache import ROOT
from dev.run import CommandFailedError, run, succeeds
from dev.source import Source, source
from dev.steps import step

DEMO = "eventconsumer"
TESTS = "eventconsumer-test"
_WHOLE = "eventconsumer.dev/whole"
_READY_SECONDS = 120


@dataclass(frozen=True)
class Ports:
    """The ports on 127.0.0.1; the NodePorts are the same, so that addresses hold on both sides."""

    kafka: int
    task_api: int


PORTS = {DEMO: Ports(kafka=30092, task_api=30080), TESTS: Ports(kafka=31092, task_api=31080)}


class Step(Enum):
    """What turns the cluster that is there into one that runs."""

    NOTHING = "nothing"
    START = "start"
    CREATE = "create"
    RECREATE = "recreate"


def next_step(*, exists: bool, running: bool, whole: bool) -> Step:
    """Decide what a cluster needs, from what its node's container and its API say."""
    if not exists:
        return Step.CREATE
    if not running:
        return Step.START
    return Step.NOTHING if whole else Step.RECREATE


class Cluster:
    """A kind cluster of one node, known by its name; :meth:`prepare` comes before everything else."""

    def __init__(self, name: str = DEMO) -> None:
        if name not in PORTS:
            raise SystemExit(f"There is no cluster {name}: it is one of {', '.join(PORTS)}")
        self.name = name
        self.ports = PORTS[name]
        self.bin = tools.BIN
        self.kind = tools.BIN / "kind"
        self.kubectl_path = tools.BIN / "kubectl"
        self._node = f"{name}-control-plane"

    def prepare(self) -> None:
        """Get everything a cluster is made of: Docker, kind, kubectl, helm and the node's image."""
        docker.ensure_running()
        if source() is Source.PACKAGES:
            with ThreadPoolExecutor() as pool:
                programs, base = pool.submit(toolchain.build_all), pool.submit(base_image.python)
                base.result()
                programs.result()
        tools.prepare()
        _ = self.node_image

    @cached_property
    def node_image(self) -> str | None:
        """The node's image, or None for kind's own."""
        return None if source() is Source.OFFICIAL else node_image.node()

    @cached_property
    def kubeconfig(self) -> Path:
        """The file that holds this cluster's address: the user's own for the demo, another for tests."""
        if self.name != DEMO:
            return ROOT / f"{self.name}.kubeconfig"
        listed = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
        return Path(listed or Path.home() / ".kube" / "config")

    @cached_property
    def config_file(self) -> Path:
        """The file that tells kind which ports the node publishes."""
        file = ROOT / f"{self.name}.kind.yaml"
        fresh = file.with_suffix(".new")
        ROOT.mkdir(parents=True, exist_ok=True)
        fresh.write_text(kind_config(self.ports))
        return fresh.replace(file)

    def host(self) -> str:
        """Return the address at which pods find this machine."""
        gateway = "--format={{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}"
        return run(["docker", "container", "inspect", gateway, self._node]).strip()

    def up(self) -> None:
        """Make sure that the cluster runs and is whole, starting, making or remaking it."""
        todo = next_step(exists=self.exists(), running=self.running(), whole=self.whole())
        if todo is Step.START and not self._start():
            todo = Step.RECREATE
        if todo is Step.RECREATE:
            self.delete()
        if todo in {Step.CREATE, Step.RECREATE}:
            self._create()
        self._write_kubeconfig()

    def exists(self) -> bool:
        """Tell whether the node's container exists, running or not."""
        return succeeds(["docker", "container", "inspect", self._node])

    def running(self) -> bool:
        """Tell whether the node's container runs."""
        asking = ["docker", "container", "inspect", "--format={{.State.Running}}", self._node]
        try:
            return run(asking).strip() == "true"
        except CommandFailedError:
            return False

    def whole(self) -> bool:
        """Tell whether the API answers and the node carries the label that is written last."""
        try:
            asking = ("kubectl", "get", "node", f"--selector={_WHOLE}", "--output=name")
            return self._node in self._on_node(*asking)
        except CommandFailedError:
            return False

    def finish(self) -> None:
        """Wait until the node is Ready and its name server answers, then label it whole."""
        wait = f"--timeout={_READY_SECONDS}s"
        self._on_node("kubectl", "wait", "node", "--all", "--for=condition=Ready", wait)
        self._on_node("kubectl", "rollout", "status", "deployment/coredns", "--namespace=kube-system", wait)
        self._on_node("kubectl", "label", "node", "--all", "--overwrite", f"{_WHOLE}=true")

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        """Run kubectl against this cluster, whatever the current context is; return what it printed."""
        return run([self.kubectl_path, *self._address("--context"), *words], stdin=stdin)

    def helm(self, *words: str) -> str:
        """Run helm against this cluster, whatever the current context is; return what it printed."""
        return run([self.bin / "helm", *self._address("--kube-context"), *words])

    def load_image(self, image: str) -> None:
        """Load an image of Docker's store into the node, unless the node has that very image."""
        wanted = docker.id_of(image)
        label = "eventconsumer.dev/id"
        images = ["ctr", "--namespace=k8s.io", "images"]
        name = docker.full_name(image)
        if f"{label}={wanted}" in self._on_node(*images, "ls", f"name=={name}"):
            return
        with step(f"Image {image} into {self.name}"):
            run([self.kind, "load", "docker-image", "--name", self.name, image])
            self._on_node(*images, "label", name, f"{label}={wanted}")

    def delete(self) -> None:
        """Delete the cluster and its entry in the kubeconfig; one that is not there is fine."""
        with step(f"Deleting the cluster {self.name}"):
            run([self.kind, "delete", "cluster", "--name", self.name, "--kubeconfig", self.kubeconfig])

    def _create(self) -> None:
        with step(f"kind create cluster {self.name}"):
            run(
                create_command(
                    self.kind,
                    self.name,
                    config=self.config_file,
                    kubeconfig=self.kubeconfig,
                    image=self.node_image,
                )
            )
            self.finish()

    def _start(self) -> bool:
        """Start a stopped node, and tell whether its API came back whole."""
        with step(f"Starting the cluster {self.name} again"):
            try:
                run(["docker", "start", self._node])
                self._on_node("bash", "-c", _WAIT_FOR_API)
                self.finish()
            except CommandFailedError:
                return False
        return True

    def _write_kubeconfig(self) -> None:
        self.kubeconfig.parent.mkdir(parents=True, exist_ok=True)
        run([self.kind, "export", "kubeconfig", "--name", self.name, "--kubeconfig", self.kubeconfig])

    def _address(self, context_flag: str) -> list[str]:
        return ["--kubeconfig", str(self.kubeconfig), context_flag, f"kind-{self.name}"]

    def _on_node(self, *words: str) -> str:
        admin = "KUBECONFIG=/etc/kubernetes/admin.conf"
        return run(["docker", "exec", f"--env={admin}", self._node, *words], timeout=_READY_SECONDS + 30)


_WAIT_FOR_API = (
    "for i in {1..60}; do kubectl get --raw /readyz >/dev/null 2>&1 && exit; sleep 1; done; exit 1"
)


def create_command(
    kind: Path, name: str, *, config: Path, kubeconfig: Path, image: str | None
) -> list[str | Path]:
    """Return the kind command that makes a cluster; without a node image of ours kind takes its own."""
    ours = [f"--image={image}"] if image else []
    return [
        *(kind, "create", "cluster", f"--name={name}"),
        *(f"--config={config}", f"--kubeconfig={kubeconfig}", *ours),
    ]


def kind_config(ports: Ports) -> str:
    """Return kind's configuration: one node that publishes our ports on 127.0.0.1."""
    mappings = "\n".join(
        f"      - {{containerPort: {port}, hostPort: {port}, listenAddress: 127.0.0.1}}"
        for port in (ports.kafka, ports.task_api)
    )
    return f"""\
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
  - role: control-plane
    extraPortMappings:
{mappings}
"""
