"""AsyncAPI's own JSON Schema, by npm: what says whether our document is one."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING, Any, cast

from dev import system, versions
from dev.cache import cached
from dev.run import run

if TYPE_CHECKING:
    from pathlib import Path

_PACKAGE = "@asyncapi/specs"
_SCHEMA = "package/schemas/3.0.0.json"


def schema() -> dict[str, Any]:
    """Return the JSON Schema of AsyncAPI 3.0.0 documents, fetching it first where it is missing."""
    folder = cached("asyncapi-specs", versions.ASYNCAPI_SPECS, _fetch)
    return cast("dict[str, Any]", json.loads((folder / _SCHEMA).read_text()))


def _fetch(folder: Path) -> None:
    system.need("npm")
    npm = system.find("npm") or "npm"
    run([npm, "pack", "--silent", f"{_PACKAGE}@{versions.ASYNCAPI_SPECS}"], cwd=folder)
    (packed,) = folder.glob("*.tgz")
    with tarfile.open(packed) as files:
        files.extract(_SCHEMA, folder, filter="data")
    packed.unlink()
