from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from dev import cache

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cache, "ROOT", tmp_path)
    return tmp_path


def write_whole(folder: Path) -> None:
    (folder / "program").write_text("whole")


def die_half_way(folder: Path) -> None:
    (folder / "program").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_thing_is_built_once() -> None:
    first = cache.cached("tool", "1.0", write_whole)

    again = cache.cached("tool", "1.0", die_half_way)

    assert again == first
    assert (again / "program").read_text() == "whole"


def test_another_version_is_another_thing() -> None:
    assert cache.cached("tool", "1.0", write_whole) != cache.cached("tool", "2.0", write_whole)


def test_a_failed_build_leaves_no_entry(root: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "program").write_text("half")
        raise RuntimeError("the network is away")

    with pytest.raises(RuntimeError, match="network"):
        cache.cached("tool", "1.0", fail)

    assert not (root / "tool-1.0").exists()


def test_a_killed_build_is_swept_away_by_the_next(root: Path) -> None:
    killed = multiprocessing.get_context("fork").Process(
        target=cache.cached, args=("tool", "1.0", die_half_way)
    )
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    assert not (root / "tool-1.0").exists()

    entry = cache.cached("tool", "1.0", write_whole)

    assert (entry / "program").read_text() == "whole"


def test_who_comes_second_waits_for_the_one_build() -> None:
    builds: list[Path] = []

    def build(folder: Path) -> None:
        builds.append(folder)
        write_whole(folder)

    with ThreadPoolExecutor() as pool:
        entries = set(pool.map(lambda _: cache.cached("tool", "1.0", build), range(8)))

    assert len(entries) == 1
    assert len(builds) == 1


def test_a_forgotten_thing_is_built_anew() -> None:
    entry = cache.cached("tool", "1.0", write_whole)
    (entry / "program").write_text("old")

    cache.forget("tool", "1.0")

    assert (cache.cached("tool", "1.0", write_whole) / "program").read_text() == "whole"
