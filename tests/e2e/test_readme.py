"""Every command of the README works as it stands there."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from tests.e2e.conftest import ROOT

if TYPE_CHECKING:
    from dev.cluster import Cluster

# Each runs elsewhere: the demo fixture runs the first, this very run is the second,
# and the cluster fixture takes the cluster away at the end.
RUN_ELSEWHERE = {"make demo", "make test", "make cluster-down"}


def commands() -> list[str]:
    """Return the commands of the README's ``sh`` blocks, in order."""
    readme = (ROOT / "README.md").read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```", readme, flags=re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


def test_the_commands_that_run_elsewhere_are_in_the_readme() -> None:
    assert set(commands()) >= RUN_ELSEWHERE


def test_every_other_command_succeeds(cluster: Cluster, demo: str, environment: dict[str, str]) -> None:
    assert demo
    script = "\n".join(command for command in commands() if command not in RUN_ELSEWHERE)
    # The tests' cluster has ports of its own, so that a demo may run beside it.
    script = script.replace("127.0.0.1:30080", f"127.0.0.1:{cluster.ports.task_api}")

    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )

    assert done.returncode == 0, done.stdout + done.stderr
