"""A container runtime that asks runc for no capability which this machine lacks.

Root of a locked-down machine may miss a capability, and then runc refuses a privileged container as a
whole ("unable to apply caps"). Docker starts this program instead of runc: it takes the missing ones
out of what the container, or a program started in it, asks for, and becomes runc. It uses the standard
library alone, because Docker starts it without this project.
"""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

_NAMES = (
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
)


def without_missing(process: dict[str, Any], bounding: int) -> dict[str, Any]:
    """Return an OCI process whose capability sets hold only what the bounding mask has."""
    held = {f"CAP_{name}" for bit, name in enumerate(_NAMES) if bounding >> bit & 1}
    sets = process.get("capabilities") or {}
    return process | {
        "capabilities": {kind: [cap for cap in caps if cap in held] for kind, caps in sets.items()}
    }


def value_after(flag: str, words: list[str]) -> str | None:
    """Return the value of a flag, given as ``--flag value`` or ``--flag=value``, or None."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == flag:
            return following
        if word.startswith(f"{flag}="):
            return word.partition("=")[2]
    return None


def _bounding() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("CapBnd:")).split()[1], 16)


def _trim(words: list[str]) -> None:
    bundle, process = value_after("--bundle", words), value_after("--process", words)
    if bundle and "create" in words:
        config = Path(bundle, "config.json")
        spec = json.loads(config.read_text())
        config.write_text(json.dumps(spec | {"process": without_missing(spec["process"], _bounding())}))
    elif process and "exec" in words:
        file = Path(process)
        file.write_text(json.dumps(without_missing(json.loads(file.read_text()), _bounding())))


def main() -> None:
    """Trim what is asked for, then become runc."""
    _trim(sys.argv[1:])
    runc = shutil.which("runc") or "/usr/sbin/runc"
    os.execv(runc, [runc, *sys.argv[1:]])  # noqa: S606  # becoming runc is the point


if __name__ == "__main__":
    main()
