"""A writer that is killed at any step of a rotation leaves a log that goes on, with nothing lost or twice."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import pytest

from eventconsumer_workers.audit.files import Files
from eventconsumer_workers.audit.opening import AuditLogError
from eventconsumer_workers.audit.upkeep import Upkeep
from eventconsumer_workers.audit.verify import verify
from tests.unit.workers.audit.builders import append, ids, ids_of, opened, some, written

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


class PowerCut(BaseException):
    """The end of a process at one step."""


STEPS = ("fsync", "rename", "replace", "fdatasync", "unlink")


def cut_at(
    monkeypatch: pytest.MonkeyPatch,
    step: int,
    *,
    failure: BaseException | type[BaseException] = PowerCut,
    steps: Sequence[str] = STEPS,
) -> None:
    """End the process, or fail, at its n-th step on the disk from now on."""
    taken = iter(range(1_000_000))

    def stopped(real: Callable[..., object]) -> Callable[..., object]:
        def call(*words: object, **named: object) -> object:
            if next(taken) == step:
                raise failure
            return real(*words, **named)

        return call

    for name in steps:
        monkeypatch.setattr(os, name, stopped(getattr(os, name)))


@pytest.mark.parametrize("step", range(12))
def test_a_rotation_that_is_cut_off_at_any_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    path, events = tmp_path / "audit.log", some(range(6))
    written(path, events[:3])
    with monkeypatch.context() as patched:
        # What compresses in the background takes its steps in a test of its own.
        patched.setattr(Upkeep, "__init__", lambda *_: None)
        patched.setattr(Upkeep, "go_on", lambda *_: None)
        log = opened(path, segment_bytes=1)
        cut_at(patched, step)
        with contextlib.suppress(PowerCut):
            append(log, events[3:])
        os.close(log._lock)
    written(path, events)
    assert ids(path) == ids_of(events)
    assert verify(Files(path)).fault is None


@pytest.mark.parametrize("step", range(20))
def test_a_disk_that_refuses_one_step_of_a_rotation_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    path, events = tmp_path / "audit.log", some(range(6))
    monkeypatch.setattr(Upkeep, "_work", lambda _: None)
    written(path, events[:3])
    log = opened(path, segment_bytes=1)
    with monkeypatch.context() as patched, contextlib.suppress(AuditLogError):
        cut_at(patched, step, failure=OSError("refused"), steps=(*STEPS, "open", "close"))
        try:
            append(log, events[3:])
        except OSError:
            append(log, events[3:])
    log.close()
    assert set(ids(path)) >= set(ids_of(events[:3]))
    written(path, events)
    assert ids(path) == ids_of(events)
    assert verify(Files(path)).fault is None


@pytest.mark.parametrize("step", range(5))
def test_a_compression_that_is_cut_off_at_any_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    path, events = tmp_path / "audit.log", some(range(6))
    with monkeypatch.context() as patched:
        patched.setattr(Upkeep, "_work", lambda _: None)
        written(path, *[[one] for one in events], segment_bytes=1)
        idle = Upkeep(Files(path))
        cut_at(patched, step)
        with pytest.raises(PowerCut):
            idle._compress_all()
    written(path, events)
    assert ids(path) == ids_of(events)
    assert verify(Files(path)).fault is None


def test_an_active_segment_that_is_gone_is_followed_by_a_new_one_and_read_again(tmp_path: Path) -> None:
    path, events = tmp_path / "audit.log", some(range(4))
    written(path, events[:2])
    log = opened(path, segment_bytes=1)
    append(log, events[2:])
    log.close()
    path.unlink()
    log = opened(path)
    assert log.next_offsets([0, 1], lambda _: {0: 4}) == {0: 2}
    append(log, events[2:])
    log.close()
    assert ids(path) == ids_of(events)


def test_an_active_segment_that_is_gone_is_followed_by_one_that_goes_on_from_the_latest(
    tmp_path: Path,
) -> None:
    path, events = tmp_path / "audit.log", some(range(4))
    written(path, *[[one] for one in events], segment_bytes=1)
    path.unlink()
    log = opened(path)
    assert log.next_offsets([0], lambda _: {0: 4}) == {0: 3}
    append(log, events[3:])
    log.close()
    assert ids(path) == ids_of(events)
    assert verify(Files(path)).fault is None
