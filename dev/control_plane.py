"""The images of Kubernetes' parts: the programs that Go built, under the names kubeadm asks for."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from dev import base_image, docker, toolchain, versions
from dev.run import run

_REGISTRY = "registry.k8s.io"
_KUBERNETES_TAG = f"v{versions.KUBERNETES}"
PROVISIONER = f"eventconsumer-dev/local-path-provisioner:v{versions.LOCAL_PATH_PROVISIONER}"
HELPER = f"eventconsumer-dev/local-path-helper:{versions.DEBIAN}"
PROXY = f"{_REGISTRY}/kube-proxy:{_KUBERNETES_TAG}"
PAUSE = f"{_REGISTRY}/pause:3.10"  # containerd's sandbox_image in kind's configuration.


@dataclass(frozen=True)
class ProgramImage:
    """An image of one static program: its name, the file and its place, and how it starts by itself."""

    name: str
    file: Path
    target: str
    links: tuple[str, ...] = ()
    entrypoint: str = ""


def make(node_base: str) -> list[str]:
    """Make the control plane's images, some from programs in ``node_base``, and return their names."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        _copy_out(node_base, ("catatonit", "busybox"), scratch)
        images = [
            *kubernetes_images(toolchain.kubernetes()),
            coredns_image(toolchain.coredns()),
            *shell_images(scratch),
        ]
        with ThreadPoolExecutor(max_workers=2) as pool:
            list(pool.map(_make_one, images))
        _make_proxy(scratch / "proxy")
    return [*(image.name for image in images), PROXY]


def kubernetes_images(folder: Path) -> list[ProgramImage]:
    """Return the images of Kubernetes' static pods, etcd among them, and of the storage provisioner."""
    named = {
        **{
            name: f"{_REGISTRY}/{name}:{_KUBERNETES_TAG}"
            for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
        },
        "etcd": f"{_REGISTRY}/etcd:{versions.ETCD}-0",
        "local-path-provisioner": PROVISIONER,
    }
    return [ProgramImage(image, folder / name, f"usr/local/bin/{name}") for name, image in named.items()]


def coredns_image(folder: Path) -> ProgramImage:
    """Return the image of the name server."""
    name = f"{_REGISTRY}/coredns/coredns:v{versions.COREDNS}"
    return ProgramImage(name, folder / "coredns", "coredns", entrypoint='["/coredns"]')


def shell_images(folder: Path) -> list[ProgramImage]:
    """Return the image that holds a pod's namespaces open, and the one that makes a volume's folder."""
    return [
        ProgramImage(PAUSE, folder / "catatonit", "pause", entrypoint='["/pause", "-P"]'),
        ProgramImage(HELPER, folder / "busybox", "bin/busybox", links=("bin/sh", "bin/mkdir", "bin/rm")),
    ]


def unmet(asked_for: list[str], made: list[str]) -> list[str]:
    """Return the images that kubeadm asks for and nobody made; pause is containerd's choice."""
    return sorted(image for image in asked_for if image not in made and "/pause:" not in image)


def _copy_out(image: str, programs: tuple[str, ...], folder: Path) -> None:
    container = run(["docker", "create", image]).strip()
    try:
        for name in programs:
            run(["docker", "cp", f"{container}:/usr/bin/{name}", folder / name])
    finally:
        docker.remove_container(container)


def _make_one(image: ProgramImage) -> None:
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "image.tar")
        with tarfile.open(archive, "w") as tar:
            tar.add(image.file, image.target, filter=_as_program)
            for link in image.links:
                entry = tarfile.TarInfo(link)
                entry.type, entry.linkname = tarfile.SYMTYPE, f"/{image.target}"
                tar.addfile(entry)
        changes = [f"ENTRYPOINT {image.entrypoint}"] if image.entrypoint else []
        docker.import_tree(image.name, archive, recipe="", changes=changes)


def _as_program(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.mode, entry.uid, entry.gid, entry.uname, entry.gname = 0o755, 0, 0, "root", "root"
    return entry


def _make_proxy(context: Path) -> None:
    shutil.copytree(Path(__file__).parent / "proxy", context)
    shutil.copy(toolchain.kubernetes() / "kube-proxy", context)
    docker.build(PROXY, context, recipe="", args={"DEBIAN_IMAGE": base_image.debian()})
