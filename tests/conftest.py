"""Which tests may run beside each other, and how long an example of Hypothesis may take: as it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings
from typing_extensions import override
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    import pytest
    from xdist.remote import Producer

# A busy machine is no fault of the code.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


class ByFolder(LoadScopeScheduling):  # type: ignore[misc]  # its package ships no types
    """Keeps the tests of a folder in one process: they share a broker, or a cluster."""

    @override
    def _split_scope(self, nodeid: str) -> str:
        return nodeid.split("/")[1]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFolder:
    """Say how tests are shared out where several processes run them."""
    return ByFolder(config, log)
