"""The notification's lines are the published ones, and no event can forge another."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventconsumer_workers.envelope import TaskEvent, read
from eventconsumer_workers.handlers import NotDone
from eventconsumer_workers.handlers.notification import Notification, line
from eventconsumer_workers.loglines import LogLines
from eventconsumer_workers.logs import Format
from tests.support.events import encoded
from tests.support.records import batch


def read_task(event_type: str = "task.created", **changes: Any) -> TaskEvent:
    found = read(encoded(event_type, **changes), frozenset())
    assert isinstance(found, TaskEvent)
    return found


def task(**changes: str) -> dict[str, Any]:
    return {"task_id": "abc123", "title": "Write a lesson", "status": "pending", "owner_id": None, **changes}


@pytest.mark.parametrize(
    ("event_type", "expected"),
    [
        ("task.created", "NOTIFICATION: New task created - 'Write a lesson' (ID: abc123)"),
        ("task.completed", "NOTIFICATION: Task completed - 'Write a lesson' (ID: abc123)"),
        ("task.updated", "NOTIFICATION: Task updated - 'Write a lesson' (ID: abc123)"),
    ],
)
def test_a_task_event_is_told_in_the_published_words(event_type: str, expected: str) -> None:
    assert line(read_task(event_type, data=task())) == expected


def test_a_batch_is_one_line_an_event_in_order_and_others_pass_by() -> None:
    out = io.StringIO()
    sent = batch(
        encoded(data=task(title="a")),
        encoded("user.invited"),
        encoded("task.completed", data=task(title="b")),
    )
    Notification(LogLines("notification", out)).handle(sent)
    assert out.getvalue() == (
        "INFO:notification:NOTIFICATION: New task created - 'a' (ID: abc123)\n"
        "INFO:notification:NOTIFICATION: Task completed - 'b' (ID: abc123)\n"
    )


def test_a_line_break_or_colour_in_a_title_is_shown_escaped() -> None:
    told = line(read_task(data=task(title="x\nINFO:notification:NOTIFICATION: forged\x1b[2J\u202e")))
    assert told.endswith(r"'x\nINFO:notification:NOTIFICATION: forged\x1b[2J\u202e' (ID: abc123)")


@given(st.text(), st.text())
def test_no_text_makes_a_second_line(title: str, task_id: str) -> None:
    out = io.StringIO(newline="")
    Notification(LogLines("n", out)).handle(batch(encoded(data=task(title=title, task_id=task_id))))
    assert out.getvalue().endswith("\n")
    assert out.getvalue()[:-1].isprintable()


def test_a_stream_that_refuses_leaves_the_work_undone(tmp_path: Any) -> None:
    with (tmp_path / "full").open("w") as stream:
        stream.close()
        unwritable = open("/dev/full", "w")  # noqa: SIM115, PTH123  # closing it raises, which is the point
        with pytest.raises(NotDone, match="the log refuses lines"):
            Notification(LogLines("notification", unwritable)).handle(batch(encoded()))
        with pytest.raises(OSError, match="No space left"):
            unwritable.close()


def test_as_json_a_line_names_its_event() -> None:
    out = io.StringIO()
    sent = batch(encoded(data=task(title="a")))
    Notification(LogLines("notification", out, Format.JSON)).handle(sent)
    line = json.loads(out.getvalue())
    assert line["message"] == "NOTIFICATION: New task created - 'a' (ID: abc123)"
    assert line["event_id"] == sent.events[0].event_id
    assert (line["logger"], line["correlation_id"]) == ("notification", sent.events[0].correlation_id)
    assert line["correlation_id"]
