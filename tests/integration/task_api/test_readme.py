"""The README's curl lines, typed in as they stand there, on a real process."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.support.api_process import ApiProcess

README = Path(__file__).resolve().parents[3] / "task_api" / "README.md"
NOWHERE = "127.0.0.1:1"
MARK = "@@@"


def session() -> list[tuple[str, str]]:
    """Return each command under "The API" with the first line that it answers, which may be none."""
    multi = re.DOTALL | re.MULTILINE
    (block,) = re.findall(r"^## The API$.*?^```console\n(.*?)^```$", README.read_text(), multi)
    return re.findall(r"^\$ (.*)\n([^$\n].*)?", block, re.MULTILINE)


def test_the_curl_lines_answer_what_the_readme_says(tmp_path: Path) -> None:
    commands, expected = zip(*session(), strict=True)
    with ApiProcess(tmp_path, bootstrap_servers=NOWHERE, topic="task-events") as api:
        script = f"\necho {MARK}\n".join(commands).replace("http://127.0.0.1:8000", api.url)
        typed = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    answers = [answer.strip() for answer in typed.stdout.split(MARK)]
    assert [answer.partition("\n")[0] for answer in answers] == list(expected)
