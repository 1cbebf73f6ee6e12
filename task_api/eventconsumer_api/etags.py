"""The versions of a task in the words of HTTP: an ETag, and the conditions that name some.

Pure. An ETag holds the version and nothing else, so a client may also make it of a task's `version`, as lists
show it. What a caller sends that is no ETag of ours names no version: such a condition is never met.
"""

from __future__ import annotations

import re

# RFC 9110, 8.8.3: anything but quotes, spaces and control characters, behind `W/` when it is a weak one.
_ETAG = re.compile(r'(W/)?"([^"\x00-\x20\x7f]*)"')


def etag(version: int) -> str:
    """Return the ETag of a task's version."""
    return f'"{version}"'


def required_versions(if_match: str | None) -> frozenset[str] | None:
    """Return the versions of which `If-Match` asks for one; None where any will do."""
    if if_match is None or if_match.strip() == "*":
        return None
    # By RFC 9110, 13.1.1, a weak ETag never matches here.
    return frozenset(version for weak, version in _ETAG.findall(if_match) if not weak)


def is_known(if_none_match: str | None, version: int) -> bool:
    """Say whether the caller has this version already, as `If-None-Match` says."""
    if if_none_match is None:
        return False
    if if_none_match.strip() == "*":
        return True
    return str(version) in {known for _, known in _ETAG.findall(if_none_match)}
