"""The default words, and what a template of one's own can and can't do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eventconsumer_workers.sinks import Refused, SinkError, wording
from eventconsumer_workers.sinks.slack import escaped
from eventconsumer_workers.sinks.templates import Templates
from tests.support.notifications import EVENT_ID, notification

if TYPE_CHECKING:
    from collections.abc import Callable

TASK_EVENTS = ["task.created", "task.updated", "task.completed"]

GOLDEN = {
    ("line", "task.created"): "New task created - 'Write a lesson' (ID: abc123)",
    ("line", "task.updated"): "Task updated - 'Write a lesson' (ID: abc123)",
    ("line", "task.completed"): "Task completed - 'Write a lesson' (ID: abc123)",
    ("message", "task.created"): "*New task created:* Write a lesson\n`abc123` · pending · owner ada",
    ("message", "user.invited"): f"*user.invited*\n`{EVENT_ID}` · 2026-01-15T10:30:00.000000+00:00",
    ("subject", "task.completed"): "Task completed: Write a lesson",
    ("subject", "user.invited"): "user.invited",
    ("letter", "task.updated"): f"""\
Task updated: Write a lesson

Owner:  ada
Status: pending
Task:   abc123
Event:  {EVENT_ID}
Time:   2026-01-15T10:30:00.000000+00:00""",
    ("letter", "user.invited"): f"""\
user.invited

{{
  "owner_id": "ada",
  "status": "pending",
  "task_id": "abc123",
  "title": "Write a lesson"
}}

Event:  {EVENT_ID}
Time:   2026-01-15T10:30:00.000000+00:00""",
}
DEFAULTS = {
    "line": wording.LINES,
    "message": wording.MESSAGES,
    "subject": wording.SUBJECTS,
    "letter": wording.LETTERS,
}


@pytest.mark.parametrize(("kind", "event_type"), GOLDEN, ids=" of ".join)
def test_the_default_words_are_these(kind: str, event_type: str) -> None:
    templates = Templates(DEFAULTS[kind])
    assert templates.render(notification(event_type, owner_id="ada")) == GOLDEN[kind, event_type]


def test_a_task_without_an_owner_names_none() -> None:
    rendered = [Templates(texts).render(notification()) for texts in DEFAULTS.values()]
    assert not [text for text in rendered if "owner" in text.lower() or "None" in text]


def test_a_type_of_event_without_words_of_its_own_has_those_of_any() -> None:
    templates = Templates({"task.created": "made", "*": "other"})
    told = [templates.render(notification(event_type)) for event_type in ("task.created", "user.invited")]
    assert told == ["made", "other"]


def test_templates_of_ones_own_replace_the_defaults_of_their_types_and_any_replaces_all() -> None:
    one = wording.completed({"task.created": "made"}, wording.LINES)
    every = wording.completed({"*": "something"}, wording.LINES)
    assert (one["task.created"], one["task.updated"]) == ("made", wording.LINES["task.updated"])
    assert every == {"*": "something"}


def test_an_event_can_not_write_a_template_or_mention_a_whole_channel() -> None:
    templates = Templates({"*": "<b> {{ data.title }}"}, finalize=escaped)
    assert templates.render(notification(title="<!here> {{ 7 * 7 }} & <b>")) == (
        "<b> &lt;!here&gt; {{ 7 * 7 }} &amp; &lt;b&gt;"
    )


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{ data.labels }}", "['&lt;!channel&gt;']"),
        ("{{ {'<!here>': 1} }}", "{'&lt;!here&gt;': 1}"),
        ("{{ data.labels | first | safe }}", "&lt;!channel&gt;"),
        ("{{ data.owner_id }} {{ data.size }}", "None 3"),
    ],
)
def test_whatever_a_value_is_it_can_not_mention_a_whole_channel(template: str, words: str) -> None:
    told = notification(labels=["<!channel>"], size=3)
    assert Templates({"*": template}, finalize=escaped).render(told) == words


@pytest.mark.parametrize(
    "template",
    [
        "{{ data.owner.name }}",
        "{{ data.nothing }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ data.update({'title': 'x'}) }}",
        "{{ 1 / 0 }}",
        "{{ data.title + 1 }}",
        "{{ range(10000000) | list }}",
        "{% for i in range(90000) %}{{ data.title }}{% endfor %}",
    ],
)
@pytest.mark.parametrize("finalize", [None, escaped])
def test_a_template_that_fails_on_an_event_refuses_that_event_with_the_reason(
    template: str, finalize: Callable[[object], object] | None
) -> None:
    with pytest.raises(Refused, match=r"the template for task\.created"):
        Templates({"*": template}, finalize=finalize).render(notification())


def test_a_template_that_is_none_is_told_at_the_start() -> None:
    with pytest.raises(SinkError, match=r"templates: task\.created: line 2"):
        Templates({"task.created": "one\n{{ data.title"})
