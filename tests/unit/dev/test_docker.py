from __future__ import annotations

from pathlib import Path

import pytest

from dev.docker import daemon_command, full_name, lacks_sys_resource, recipe

ALL = (1 << 41) - 1
WITHOUT_SYS_RESOURCE = ALL & ~(1 << 24)


def test_a_machine_with_every_capability_starts_plain_docker() -> None:
    assert daemon_command("dockerd", Path("/cache/runc"), capabilities=ALL) == ["dockerd"]


def test_a_machine_that_lacks_one_starts_docker_with_our_runtime() -> None:
    assert daemon_command("dockerd", Path("/cache/runc"), capabilities=WITHOUT_SYS_RESOURCE) == [
        "dockerd",
        "--add-runtime=eventconsumer-runc=/cache/runc",
        "--default-runtime=eventconsumer-runc",
    ]


def test_another_missing_capability_is_no_reason_for_it() -> None:
    assert not lacks_sys_resource(ALL & ~(1 << 39))


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ("python:3.13-slim", "docker.io/library/python:3.13-slim"),
        ("eventconsumer/operator:0.1.0", "docker.io/eventconsumer/operator:0.1.0"),
        ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"),
        ("localhost:5000/mine:1", "localhost:5000/mine:1"),
    ],
)
def test_containerd_knows_an_image_by_its_full_name(said: str, stored: str) -> None:
    assert full_name(said) == stored


def test_a_recipe_is_the_same_for_the_same_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.py").write_text("print()")

    assert recipe(tmp_path / "one", "base") == recipe(tmp_path / "two", "base")


def test_a_recipe_changes_with_a_files_content_name_and_place(tmp_path: Path) -> None:
    file = tmp_path / "main.py"
    file.write_text("print()")
    seen = {recipe(tmp_path)}

    file.write_text("print(1)")
    seen.add(recipe(tmp_path))
    file.rename(tmp_path / "other.py")
    seen.add(recipe(tmp_path))
    seen.add(recipe(tmp_path, "another base"))

    assert len(seen) == 4


def test_compiled_files_are_no_part_of_a_recipe(tmp_path: Path) -> None:
    before = recipe(tmp_path)

    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "main.cpython-313.pyc").write_bytes(b"\x00")

    assert recipe(tmp_path) == before
