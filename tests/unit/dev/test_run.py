from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from pathlib import Path

import pytest

from dev.run import CommandFailedError, run, succeeds
from tests.support.eventually import eventually

SAY_PID_AND_WAIT = (
    "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(60)"
)


def test_what_a_program_prints_comes_back() -> None:
    assert run(["cat"], stdin="hello") == "hello"


def test_a_failed_program_is_told_with_its_last_words() -> None:
    with pytest.raises(CommandFailedError, match=r"(?s)sh -c .*exit code 3\nno such topic"):
        run(["sh", "-c", "echo no such topic >&2; exit 3"])


def test_a_program_that_does_not_end_is_ended() -> None:
    with pytest.raises(CommandFailedError, match="no end after"):
        run(["sleep", "60"], timeout=0.01)


def test_a_program_that_is_not_there_does_not_succeed() -> None:
    assert not succeeds(["no-such-program-anywhere"])
    assert succeeds(["true"])


def test_a_program_ends_with_us_even_when_we_are_killed(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    command = [sys.executable, "-c", SAY_PID_AND_WAIT, str(file)]
    us = multiprocessing.get_context("fork").Process(target=run, args=(command,))
    us.start()
    program = int(eventually("the program runs", lambda: file.is_file() and file.read_text(), every=0.02))

    os.kill(us.pid or 0, signal.SIGKILL)
    us.join()

    eventually("the program ends", lambda: not is_running(program), every=0.02)


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
