"""The few system packages that are needed: found, or installed by apt where that may be done."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dev.run import CommandFailedError, run
from dev.steps import say, step

if TYPE_CHECKING:
    from collections.abc import Iterator

# The program that shows a package is there, and the package.
PACKAGES = {
    "dockerd": "docker.io",
    "debootstrap": "debootstrap",
    "make": "make",
    "mvn": "maven",
    "java": "default-jre-headless",
    "postgres": "postgresql",
    "chromium": "chromium",
    "chromedriver": "chromium-driver",
    "npm": "npm",
}
_FOR_TESTS = {PACKAGES[program] for program in ("postgres", "chromium", "chromedriver", "npm")}
_LOCK_SECONDS = 300  # Another apt-get may be at work: machines update themselves after they start.
# An ordinary user's PATH often leaves these out.
_SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
# Debian keeps a server's programs by its version, on nobody's PATH.
_POSTGRES_VERSIONS = Path("/usr/lib/postgresql")
# Where an installation of PostgreSQL reads whether to make a database cluster and start it.
_NEW_CLUSTERS = Path("/etc/postgresql-common/createcluster.conf")
_NEW_CLUSTERS_AS_SHIPPED = Path("/usr/share/postgresql-common/createcluster.conf")


def find(program: str) -> str | None:
    """Return the path of a system program, or None."""
    versions = sorted(_POSTGRES_VERSIONS.glob("*/bin"), key=lambda path: path.parent.name, reverse=True)
    folders = [os.environ.get("PATH", os.defpath), *_SYSTEM_FOLDERS, *map(str, versions)]
    return shutil.which(program, path=os.pathsep.join(folders))


def need(*programs: str) -> None:
    """Make sure that system programs are there; exit with the line to run where we lack the rights."""
    packages = missing_packages({program: find(program) for program in programs})
    if not packages:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        say(f"Missing: {', '.join(packages)}. Run this line, then the same command again:")
        say(f"  {install_line(packages)}")
        raise SystemExit(1)
    say(f"Installing {', '.join(packages)} with apt-get, as root, because {_purpose(packages)} it.")
    with step(f"System packages {' '.join(packages)}"), _no_new_database_cluster(packages):
        _install(packages)


def need_root(purpose: str) -> None:
    """Exit with the way out where we are not root."""
    if os.geteuid() != 0:
        say(f"Root is needed to {purpose}. Run the same command with sudo, or set up access to a container")
        say("registry: with the official images no root is needed.")
        raise SystemExit(1)


def missing_packages(found: dict[str, str | None]) -> list[str]:
    """Return the packages of the programs that were not found."""
    return sorted(PACKAGES[program] for program, path in found.items() if path is None)


def install_line(packages: list[str]) -> str:
    """Return the shell line that installs ``packages``."""
    return f"sudo apt-get update && sudo apt-get install -y --no-install-recommends {' '.join(packages)}"


def _purpose(packages: list[str]) -> str:
    return "the tests need" if _FOR_TESTS.issuperset(packages) else "the local cluster needs"


@contextmanager
def _no_new_database_cluster(packages: list[str]) -> Iterator[None]:
    """Let PostgreSQL's programs come alone: nobody asked for a server that runs from now on."""
    if PACKAGES["postgres"] not in packages or _NEW_CLUSTERS.exists():
        yield
        return
    _NEW_CLUSTERS.parent.mkdir(parents=True, exist_ok=True)
    _NEW_CLUSTERS.write_text("create_main_cluster = false\n")
    try:
        yield
    finally:
        if _NEW_CLUSTERS_AS_SHIPPED.exists():
            shutil.copyfile(_NEW_CLUSTERS_AS_SHIPPED, _NEW_CLUSTERS)
        else:
            _NEW_CLUSTERS.unlink()


def _install(packages: list[str]) -> None:
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-q", f"-oDPkg::Lock::Timeout={_LOCK_SECONDS}"]
    install = [*apt, "install", "-y", "--no-install-recommends", *packages]
    if not any(Path("/var/lib/apt/lists").glob("*_Packages*")):
        run([*apt, "update"], env=env)
    try:
        run(install, env=env)
    except CommandFailedError:
        # The lists may be older than the packages they name, or an earlier run was killed half-way.
        run([*apt, "update"], env=env)
        run(["dpkg", "--configure", "-a"], env=env)
        run(install, env=env)
