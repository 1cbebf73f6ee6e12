from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

import pytest

from dev import steps

if TYPE_CHECKING:
    from collections.abc import Callable


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [re.sub(r"\d+\.\d s", "N s", line) for line in capsys.readouterr().err.splitlines()]


def test_a_step_is_opened_and_closed_with_its_time(capsys: pytest.CaptureFixture[str]) -> None:
    with steps.step("Kubernetes 1.34"):
        pass

    assert printed(capsys) == ["▸ Kubernetes 1.34", "✓ Kubernetes 1.34: done in N s"]


def test_a_failed_step_says_so_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="broken"), steps.step("Kubernetes 1.34"):
        raise ValueError("broken")

    assert printed(capsys)[-1] == "✗ Kubernetes 1.34: failed in N s"


def test_a_long_step_keeps_saying_that_it_is_alive(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said_twice = threading.Event()
    beats: list[str] = []

    def listen(text: str, say: Callable[[str], None] = steps.say) -> None:
        say(text)
        beats.extend([text] if "…" in text else [])
        if len(beats) == 2:
            said_twice.set()

    monkeypatch.setattr(steps, "_HEARTBEAT_SECONDS", 0.001)
    monkeypatch.setattr(steps, "say", listen)
    with steps.step("Kubernetes 1.34"):
        assert said_twice.wait(timeout=30)

    assert "  … Kubernetes 1.34: 0 s so far" in printed(capsys)
