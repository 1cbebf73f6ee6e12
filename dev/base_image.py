"""The base images that are made from Debian's packages: plain Debian, and Python for the product images."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from dev import docker, system, versions
from dev.cache import cached
from dev.run import run

DEBIAN = f"eventconsumer-dev/debian:{versions.DEBIAN}"
PYTHON = f"eventconsumer-dev/python:{versions.DEBIAN}"
_HOST_AUTHORITIES = Path("/usr/local/share/ca-certificates")
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def debian() -> str:
    """Return the name of the plain Debian image, importing it where Docker's store lacks it."""
    archive = cached("debian", versions.DEBIAN, _bootstrap) / "root.tar"
    made_by = docker.recipe("debian", versions.DEBIAN)
    shell = ['CMD ["/bin/bash"]']
    return docker.made(
        DEBIAN, made_by, lambda: docker.import_tree(DEBIAN, archive, recipe=made_by, changes=shell)
    )


def python() -> str:
    """Return the name of the Python base image, building it where it is missing or outdated."""
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        shutil.copy(Path(__file__).parent / "base" / "Dockerfile", context)
        write_authorities(context / "ca-certificates")
        made_by = docker.recipe(context, debian())
        args = {"DEBIAN_IMAGE": DEBIAN}
        return docker.made(PYTHON, made_by, lambda: docker.build(PYTHON, context, recipe=made_by, args=args))


def write_authorities(folder: Path, source: Path = _HOST_AUTHORITIES) -> None:
    """Write the host's extra certificate authorities into ``folder``, one a file.

    Java's trust store takes only the first certificate of a bundle, so bundles are taken apart.
    """
    folder.mkdir(parents=True)
    for bundle in sorted(source.rglob("*.crt")):
        for number, certificate in enumerate(certificates(bundle.read_text())):
            (folder / f"{bundle.stem}-{number}.crt").write_text(certificate)


def certificates(bundle: str) -> list[str]:
    """Return the certificates of a PEM bundle, each as a text of its own."""
    blocks = bundle.split(_BEGIN)[1:]
    return [f"{_BEGIN}{block.partition(_END)[0]}{_END}\n" for block in blocks]


def _bootstrap(folder: Path) -> None:
    root = folder / "root"
    system.need("debootstrap")
    debootstrap = system.find("debootstrap") or "debootstrap"
    run([debootstrap, "--variant=minbase", "--include=ca-certificates", versions.DEBIAN, root])
    for leftover in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(root / leftover, ignore_errors=True)
        (root / leftover / "partial").mkdir(parents=True)
    run(["tar", "--numeric-owner", "--one-file-system", "-C", root, "-cf", folder / "root.tar", "."])
    shutil.rmtree(root)
