"""What notifications say where the resource gives no templates of its own: Jinja2 templates by event type."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ANY = "*"
"""The key of the template for event types that have none of their own."""

TASK_WORDS = {
    "task.created": "New task created",
    "task.updated": "Task updated",
    "task.completed": "Task completed",
}

_MESSAGE = """\
*%s:* {{ data.title }}
`{{ data.task_id }}` · {{ data.status }}{% if data.owner_id %} · owner {{ data.owner_id }}{% endif %}"""
_LETTER = """\
%s: {{ data.title }}

{% if data.owner_id %}
Owner:  {{ data.owner_id }}
{% endif %}
Status: {{ data.status }}
Task:   {{ data.task_id }}
Event:  {{ event_id }}
Time:   {{ occurred_at }}
"""
_ANY_LETTER = """\
{{ event_type }}

{{ data | tojson(indent=2) }}

Event:  {{ event_id }}
Time:   {{ occurred_at }}
"""


def completed(own: Mapping[str, str], defaults: Mapping[str, str]) -> dict[str, str]:
    """Return templates of one's own and the defaults for what they leave open, which ``*`` does not."""
    return dict(own) if ANY in own else {**defaults, **own}


def _for_tasks(template: str) -> dict[str, str]:
    return {event_type: template.replace("%s", words) for event_type, words in TASK_WORDS.items()}


LINES = _for_tasks("%s - '{{ data.title }}' (ID: {{ data.task_id }})")
"""The log's published lines; other events have none."""

MESSAGES = _for_tasks(_MESSAGE) | {ANY: "*{{ event_type }}*\n`{{ event_id }}` · {{ occurred_at }}"}
"""Messages of a chat."""

SUBJECTS = _for_tasks("%s: {{ data.title }}") | {ANY: "{{ event_type }}"}
"""Subjects of mails and titles of other services."""

LETTERS = _for_tasks(_LETTER) | {ANY: _ANY_LETTER}
"""Texts of mails and of other services."""
