"""Which tests may run beside each other: those of the broker and those of the cluster, each in turn."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent


# Before xdist looks at the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a folder in one process: they share a broker, or a cluster."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(item.path.relative_to(TESTS).parts[0]))
