"""Docker: its daemon, started where nothing has started it, and its images.

A daemon that we start outlives the command: clusters live in it. It writes its log into the cache.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dev import system
from dev.cache import ROOT, locked
from dev.run import CommandFailedError, run, succeeds
from dev.steps import say, step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

RECIPE_LABEL = "eventconsumer.dev/recipe"

LOG = ROOT / "dockerd.log"
_START_SECONDS = 60
# Bit 24 of a capability mask; https://man7.org/linux/man-pages/man7/capabilities.7.html
_CAP_SYS_RESOURCE = 24
_RUNTIME = "eventconsumer-runc"


def ensure_running() -> None:
    """Make sure that a Docker daemon answers, starting one where none does."""
    if answers():
        if lacks_sys_resource(bounding_capabilities()):
            _write_runtime()  # The cache may have been emptied under the running daemon.
        return
    system.need("dockerd")
    if answers():
        return
    if os.geteuid() != 0:
        say("Docker does not answer. Start it, or join its group, then run the same command again:")
        say('  sudo systemctl start docker && sudo usermod -aG docker "$USER" && newgrp docker')
        raise SystemExit(1)
    with step("Docker daemon"):
        _start()


def answers() -> bool:
    """Tell whether a Docker daemon answers on the socket the client uses."""
    return succeeds(["docker", "version", "--format", "{{.Server.Version}}"])


def has_image(image: str) -> bool:
    """Tell whether the daemon's store holds an image."""
    return succeeds(["docker", "image", "inspect", image])


def id_of(image: str) -> str:
    """Return the content id of an image in the store; raise CommandFailedError where it is missing."""
    return run(["docker", "image", "inspect", "--format={{.Id}}", image]).strip()


def full_name(image: str) -> str:
    """Return an image's name as containerd stores it, with the registry that Docker leaves unsaid."""
    first, slash, _ = image.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return image
    return f"docker.io/{image}" if slash else f"docker.io/library/{image}"


def recipe_of(image: str) -> str:
    """Return the recipe label of an image in the store, or an empty text."""
    try:
        return run(
            [
                "docker",
                "image",
                "inspect",
                "--format",
                f'{{{{index .Config.Labels "{RECIPE_LABEL}"}}}}',
                image,
            ]
        ).strip()
    except CommandFailedError:
        return ""


def made(image: str, recipe: str, build: Callable[[], None]) -> str:
    """Return ``image``, letting ``build`` make it where the store lacks it or it is of another recipe."""
    if recipe_of(image) == recipe:
        return image
    with locked(f"image-{image.replace('/', '-').replace(':', '-')}"):
        if recipe_of(image) != recipe:
            with step(f"Image {image}"):
                build()
    return image


def build(
    image: str,
    context: Path,
    *,
    recipe: str,
    dockerfile: Path | None = None,
    args: Mapping[str, str] | None = None,
) -> None:
    """Build an image from a folder, and label it with the recipe it was made by.

    The host's network is used, because package indexes may be reachable from there only.
    """
    words = [f"--build-arg={name}={value}" for name, value in (args or {}).items()]
    run(
        [
            "docker",
            "build",
            "--quiet",
            "--network=host",
            "--force-rm",
            f"--label={RECIPE_LABEL}={recipe}",
            f"--tag={image}",
            f"--file={dockerfile or context / 'Dockerfile'}",
            *words,
            context,
        ],
        env=os.environ | {"DOCKER_BUILDKIT": "0"},
    )


def import_tree(image: str, archive: Path, *, recipe: str, changes: Sequence[str] = ()) -> None:
    """Make an image of one layer from a tar archive; ``changes`` are lines of a Dockerfile."""
    words = [f"--change={change}" for change in [*changes, f"LABEL {RECIPE_LABEL}={recipe}"]]
    run(["docker", "import", *words, archive, image])


def recipe(*parts: str | Path) -> str:
    """Return a short hash of what an image is made from; of files and folders, names and contents."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            digest.update(part.encode() + b"\0")
            continue
        for file in [part] if part.is_file() else sorted(part.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(part)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def remove_container(name: str) -> None:
    """Remove a container with all it holds; one that is not there is fine."""
    run(["docker", "rm", "--force", "--volumes", name])


def _start() -> None:
    if Path("/run/systemd/system").is_dir():
        run(["systemctl", "start", "docker"])
    else:
        _clear_stale_pid()
        _spawn_daemon()
    deadline = time.monotonic() + _START_SECONDS
    while not answers():
        if time.monotonic() > deadline:
            raise SystemExit(f"Docker did not answer within {_START_SECONDS} s; its log: {LOG}")
        time.sleep(0.3)


def daemon_command(dockerd: str, runtime: Path, *, capabilities: int) -> list[str]:
    """Return the command that starts the daemon, with our runtime only where root lacks a capability."""
    if not lacks_sys_resource(capabilities):
        return [dockerd]
    return [dockerd, f"--add-runtime={_RUNTIME}={runtime}", f"--default-runtime={_RUNTIME}"]


def lacks_sys_resource(capabilities: int) -> bool:
    """Tell from a mask whether CAP_SYS_RESOURCE is missing, without which runc refuses --privileged."""
    return not capabilities >> _CAP_SYS_RESOURCE & 1


def bounding_capabilities() -> int:
    """Return the mask of the capabilities that this process and its children can have at most."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("CapBnd:"))
    return int(line.split()[1], 16)


def _spawn_daemon() -> None:
    """Start the daemon in a session of its own and as nobody's child, so that it outlives this command."""
    runtime = _write_runtime()
    dockerd = system.find("dockerd") or "dockerd"
    daemon = daemon_command(dockerd, runtime, capabilities=bounding_capabilities())
    with LOG.open("ab") as log:
        subprocess.run(
            ["setsid", "--fork", *daemon], stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True
        )


def _clear_stale_pid() -> None:
    """Remove the pid file of a daemon that was killed: its number may belong to another process by now."""
    file = Path("/var/run/docker.pid")
    if file.is_file():
        process = Path("/proc", file.read_text().strip() or "none", "comm")
        if not process.is_file() or process.read_text().strip() != "dockerd":
            file.unlink()


def _write_runtime() -> Path:
    """Write the runtime beside the cache, since the daemon may outlive this checkout."""
    ROOT.mkdir(parents=True, exist_ok=True)
    program = ROOT / _RUNTIME
    source = Path(__file__).with_name("runc.py").read_text()
    text = f"#!{Path(sys.executable).resolve()} -IS\n{source}"
    fresh = program.with_suffix(".new")
    fresh.write_text(text)
    fresh.chmod(0o755)
    fresh.replace(program)
    return program
