"""The few system packages the local cluster needs: found, or installed by apt where that may be done."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from dev.run import CommandFailedError, run
from dev.steps import say, step

# The program that shows a package is there, and the package.
PACKAGES = {
    "dockerd": "docker.io",
    "debootstrap": "debootstrap",
    "make": "make",
    "mvn": "maven",
    "java": "default-jre-headless",
}
_LOCK_SECONDS = 300  # Another apt-get may be at work: machines update themselves after they start.
# Where system programs live; an ordinary user's PATH often leaves the sbin folders out.
_SYSTEM_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def find(program: str) -> str | None:
    """Return the path of a system program, or None."""
    return shutil.which(program, path=_SYSTEM_PATH)


def need(*programs: str) -> None:
    """Make sure that system programs are there; exit with the line to run where we lack the rights."""
    packages = missing_packages({program: find(program) for program in programs})
    if not packages:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        say(f"Missing: {', '.join(packages)}. Run this line, then the same command again:")
        say(f"  {install_line(packages)}")
        raise SystemExit(1)
    say(f"Installing {', '.join(packages)} with apt-get, as root, because the local cluster needs it.")
    with step(f"System packages {' '.join(packages)}"):
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
