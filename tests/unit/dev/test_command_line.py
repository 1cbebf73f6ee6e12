from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dev.__main__ import how_to_reach, main
from dev.cluster import DEMO, TESTS, Cluster
from dev.tools import TOOLS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def equipped(tmp_path: Path) -> str:
    """Give a PATH that holds kind, kubectl and helm."""
    for tool in TOOLS:
        (tmp_path / tool.name).write_text("#!/bin/sh\n")
        (tmp_path / tool.name).chmod(0o755)
    return str(tmp_path)


def test_who_has_the_tools_needs_no_word(equipped: str) -> None:
    assert how_to_reach(Cluster(DEMO), equipped) == ""


def test_who_lacks_a_tool_is_told_the_line(tmp_path: Path) -> None:
    cluster = Cluster(DEMO)

    assert f'export PATH="{cluster.bin}:$PATH"' in how_to_reach(cluster, str(tmp_path))


def test_the_tests_cluster_has_a_kubeconfig_of_its_own(equipped: str) -> None:
    cluster = Cluster(TESTS)

    assert f'export KUBECONFIG="{cluster.kubeconfig}"' in how_to_reach(cluster, equipped)


def test_an_unknown_command_is_refused_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["upp"])

    assert ended.value.code == 2
    said = capsys.readouterr().err
    for command in ("up", "images", "demo", "status", "down"):
        assert command in said.rpartition("choose from")[2]
