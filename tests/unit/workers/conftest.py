"""Who is told of a worker's work."""

from __future__ import annotations

import pytest

from tests.unit.workers.stand_ins import Counting


@pytest.fixture
def observer() -> Counting:
    return Counting()
