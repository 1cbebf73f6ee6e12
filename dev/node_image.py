"""The image of the kind node, made from packages where kind's own image can't be pulled.

It holds what kind's own image holds: systemd, containerd, kubelet and kubeadm, the images of the control
plane in containerd's store, and the storage provisioner. kind's own files are read from the very version
of kind that will run it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from dev import base_image, control_plane, docker, toolchain, versions
from dev.run import CommandFailedError, run

NODE = f"eventconsumer-dev/node:v{versions.KUBERNETES}"
_BASE = f"eventconsumer-dev/node-base:v{versions.KUBERNETES}"
_BUILDER = "eventconsumer-node-builder"
_HERE = Path(__file__).parent
_WAIT_FOR_CONTAINERD = "for i in {1..100}; do ctr version >/dev/null 2>&1 && exit; sleep 0.1; done; exit 1"


def node() -> str:
    """Return the name of the node image, building it where Docker's store lacks it or it is outdated."""
    restrict = docker.lacks_sys_resource(docker.bounding_capabilities())
    pinned = (
        *(versions.KUBERNETES, versions.ETCD, versions.COREDNS, versions.LOCAL_PATH_PROVISIONER),
        *(versions.KIND, versions.DEBIAN),
    )
    code = (Path(__file__), Path(control_plane.__file__))
    made_by = docker.recipe(_HERE / "node", _HERE / "proxy", *code, *pinned, str(restrict))
    return docker.made(NODE, made_by, lambda: _build(made_by, restrict_oom_score_adj=restrict))


def _build(made_by: str, *, restrict_oom_score_adj: bool) -> None:
    base_image.debian()
    _build_base(restrict_oom_score_adj=restrict_oom_score_adj)
    _fill(made_by)


def _build_base(*, restrict_oom_score_adj: bool) -> None:
    kind = toolchain.kind() / "module"
    kubernetes = toolchain.kubernetes()
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        shutil.copytree(_HERE / "node", context, dirs_exist_ok=True)
        shutil.copytree(kind / "images" / "base" / "files", context / "kind")
        (context / "bin").mkdir()
        for name in ("kubelet", "kubeadm", "kubectl"):
            shutil.copy(kubernetes / name, context / "bin" / name)
        constants = (kind / "pkg" / "build" / "nodeimage" / "const_storage.go").read_text()
        (context / "manifests" / "default-storage.yaml").write_text(storage_manifest(constants))
        args = {
            "DEBIAN_IMAGE": base_image.DEBIAN,
            "KUBERNETES": versions.KUBERNETES,
            "RESTRICT_OOM_SCORE_ADJ": str(restrict_oom_score_adj).lower(),
        }
        docker.build(_BASE, context, recipe="", args=args)


def storage_manifest(go_source: str) -> str:
    """Take the storage manifest out of kind's Go source, with our images in place of kind's."""
    found = re.search(r"const defaultStorageManifest = `(.*)`\s*\Z", go_source, re.DOTALL)
    if found is None:
        raise ValueError("kind's source holds no defaultStorageManifest")
    images = {
        "storageProvisionerImage": control_plane.PROVISIONER,
        "storageHelperImage": control_plane.HELPER,
    }
    return re.sub(r"` \+ (\w+) \+ `", lambda constant: images[constant[1]], found[1])


def _fill(made_by: str) -> None:
    """Load the control plane's images into a container's own store, and make the node image of it."""
    images = control_plane.make(_BASE)
    docker.remove_container(_BUILDER)
    run(
        [
            *("docker", "run", "--detach", f"--name={_BUILDER}", "--security-opt=seccomp=unconfined"),
            *("--entrypoint=sleep", _BASE, "infinity"),
        ]
    )
    try:
        _check_names(images)
        run(["docker", "exec", "--detach", _BUILDER, "containerd"])
        run(["docker", "exec", _BUILDER, "bash", "-c", _WAIT_FOR_CONTAINERD])
        _load(images)
        run(["docker", "exec", _BUILDER, "pkill", "-x", "containerd"])
        changes = [
            'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]',
            f"LABEL {docker.RECIPE_LABEL}={made_by}",
        ]
        run(["docker", "commit", *(f"--change={change}" for change in changes), _BUILDER, NODE])
    finally:
        docker.remove_container(_BUILDER)


def _check_names(images: list[str]) -> None:
    listing = ["kubeadm", "config", "images", "list", f"--kubernetes-version=v{versions.KUBERNETES}"]
    missing = control_plane.unmet(run(["docker", "exec", _BUILDER, *listing]).split(), images)
    if missing:
        raise CommandFailedError(f"kubeadm asks for {', '.join(missing)}: pin that in dev/versions.py")


def _load(images: list[str]) -> None:
    importing = ["ctr", "--namespace=k8s.io", "images", "import", "--no-unpack", "-"]
    with subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE) as saved:
        done = subprocess.run(
            ["docker", "exec", "--interactive", _BUILDER, *importing],
            stdin=saved.stdout,
            capture_output=True,
            text=True,
            check=False,
        )
    if saved.returncode != 0 or done.returncode != 0:
        raise CommandFailedError(f"Loading the control plane's images: {done.stderr.strip()}")
