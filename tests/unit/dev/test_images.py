from __future__ import annotations

from pathlib import Path

import pytest

from dev.images import IMAGES, recipe

ROOT = Path(__file__).resolve().parents[3]
WORKERS = next(image for image in IMAGES if image.folder == "workers")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "locks/build.txt",
        WORKERS.lock,
        "workers/main.py",
        "operator/main.py",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.mark.parametrize("changed", ["workers/main.py", WORKERS.lock, "pyproject.toml"])
def test_what_goes_into_an_image_makes_it_outdated(tree: Path, changed: str) -> None:
    before = recipe(WORKERS, base="python", root=tree)

    (tree / changed).write_text("changed")

    assert recipe(WORKERS, base="python", root=tree) != before


def test_another_components_code_does_not(tree: Path) -> None:
    before = recipe(WORKERS, base="python", root=tree)

    (tree / "operator" / "main.py").write_text("changed")

    assert recipe(WORKERS, base="python", root=tree) == before


def test_every_image_has_its_dockerfile_and_lock_file() -> None:
    for image in IMAGES:
        assert (ROOT / image.folder / "Dockerfile").is_file()
        assert (ROOT / image.lock).is_file()
