"""The worker proves its own log in the background and says what it found."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from eventconsumer_workers.audit import proof
from eventconsumer_workers.audit.proof import proven
from tests.support.eventually import eventually
from tests.unit.workers.audit.builders import some, written

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import pytest


def test_the_time_of_a_proof_is_told(tmp_path: Path) -> None:
    times: list[datetime] = []
    written(tmp_path / "audit.log", some(range(3)))
    with proven(tmp_path / "audit.log", times.append, first_seconds=0):
        eventually("it is proven", lambda: times, every=0.01)
    assert len(times) == 1


def test_damage_is_an_error_in_the_worker_s_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "audit.log"
    times: list[datetime] = []
    written(path, some(range(2)), some(range(2, 3)))
    path.write_bytes(path.read_bytes().replace(b'"offset":1', b'"offset":9', 1))
    with proven(path, times.append, first_seconds=0):
        eventually("it is said", lambda: caplog.records, every=0.01)
    assert caplog.records[0].levelno == logging.ERROR
    assert "damaged at segment 1, line 3" in caplog.text
    assert times == []


def test_a_log_that_can_not_be_read_is_tried_again_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with proven(tmp_path / "missing" / "audit.log", lambda _: None, first_seconds=0):
        eventually("it is said", lambda: "could not be verified" in caplog.text, every=0.01)


def test_whatever_goes_wrong_in_one_proof_the_next_one_follows(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "_EVERY_SECONDS", 0.0)
    times: list[datetime] = []

    def whole(time: datetime) -> None:
        times.append(time)
        if len(times) == 1:
            raise ValueError("a bug")

    written(tmp_path / "audit.log", some(range(3)))
    with proven(tmp_path / "audit.log", whole, first_seconds=0):
        eventually("it is proven again", lambda: len(times) > 1, every=0.01)
    assert "ValueError: a bug" in caplog.text


def test_a_worker_that_ends_does_not_wait_for_a_proof(tmp_path: Path) -> None:
    written(tmp_path / "audit.log", some(range(3)))
    with proven(tmp_path / "audit.log", lambda _: None, first_seconds=3600):
        pass
