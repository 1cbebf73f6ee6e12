"""What the layout rests on."""

from __future__ import annotations

import operator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_operator_s_folder_is_never_a_package() -> None:
    """A package of that name would take the place of Python's own ``operator`` module."""
    assert not (ROOT / "operator" / "__init__.py").exists()
    assert operator.add(1, 1) == 2


def test_each_source_root_holds_one_package_of_another_name() -> None:
    for folder in ("operator", "workers", "task_api"):
        packages = [path.parent.name for path in (ROOT / folder).glob("*/__init__.py")]
        assert len(packages) == 1
        assert packages[0] != folder
