from __future__ import annotations

import os

import pytest

from dev import system


def test_only_what_is_missing_is_installed() -> None:
    found = {"dockerd": "/usr/sbin/dockerd", "debootstrap": None}

    assert system.missing_packages(found) == ["debootstrap"]


def test_without_root_the_one_line_to_run_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(system, "find", lambda _: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(SystemExit) as ended:
        system.need("dockerd", "debootstrap")

    assert ended.value.code == 1
    line = "sudo apt-get update && sudo apt-get install -y --no-install-recommends debootstrap docker.io"
    assert line in capsys.readouterr().err


def test_what_is_there_needs_no_word(capsys: pytest.CaptureFixture[str]) -> None:
    system.need()

    assert capsys.readouterr().err == ""
