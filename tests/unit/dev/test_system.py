from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from dev import system

if TYPE_CHECKING:
    from pathlib import Path


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


def program(path: Path) -> str:
    path.parent.mkdir(parents=True)
    path.touch(mode=0o755)
    return str(path)


def test_the_newest_postgres_is_found_though_it_is_on_no_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(system, "_POSTGRES_VERSIONS", tmp_path)
    _, newest = [program(tmp_path / version / "bin" / "postgres") for version in ("15", "17")]

    assert system.find("postgres") == newest


def test_installing_postgres_asks_for_no_server_of_its_own_and_leaves_the_settings_as_shipped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked, shipped = tmp_path / "etc" / "createcluster.conf", tmp_path / "createcluster.conf"
    shipped.write_text("as shipped")
    monkeypatch.setattr(system, "_NEW_CLUSTERS", asked)
    monkeypatch.setattr(system, "_NEW_CLUSTERS_AS_SHIPPED", shipped)

    with system._no_new_database_cluster(["make", "postgresql"]):
        during = asked.read_text()

    assert (during, asked.read_text()) == ("create_main_cluster = false\n", "as shipped")


def test_installing_anything_else_leaves_no_word_about_databases(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(system, "_NEW_CLUSTERS", tmp_path / "createcluster.conf")

    with system._no_new_database_cluster(["make"]):
        assert not list(tmp_path.iterdir())
