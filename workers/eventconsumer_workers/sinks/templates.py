"""Makes the words of a notification: Jinja2 in its sandbox, one template an event type.

A template sees the event's fields: ``event_type``, ``event_id``, ``occurred_at``, ``data``, ``metadata``. It
can't change them nor reach Python; a field that the event lacks is an error that names it, for half a message
misleads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from eventconsumer_workers.sinks import Refused, SinkError
from eventconsumer_workers.sinks.wording import ANY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jinja2 import Template

    from eventconsumer_workers.sinks import Notification

_LONGEST = 256 * 1024


class Templates:
    """Compiled templates by event type."""

    def __init__(
        self, texts: Mapping[str, str], *, finalize: Callable[[object], object] | None = None
    ) -> None:
        environment = ImmutableSandboxedEnvironment(
            undefined=StrictUndefined, finalize=finalize, trim_blocks=True, lstrip_blocks=True
        )
        self._templates = {
            event_type: _compiled(environment, event_type, text) for event_type, text in texts.items()
        }

    def has(self, event_type: str) -> bool:
        """Tell whether there are words for this type of event."""
        return event_type in self._templates or ANY in self._templates

    def render(self, notification: Notification) -> str:
        """Return the words for one event; raise ``Refused`` when its template fails on it or is too long."""
        event_type = notification.event_type
        template = self._templates.get(event_type) or self._templates[ANY]
        fields = notification.fields()
        parts: list[str] = []
        length = 0
        try:
            for part in template.generate(fields):
                parts.append(part)
                length += len(part)
                if length > _LONGEST:
                    raise Refused(f"the template for {event_type} gives more than {_LONGEST} characters")
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as fault:
            raise Refused(f"the template for {event_type} fails on this event: {fault}") from fault
        return "".join(parts)


def _compiled(environment: ImmutableSandboxedEnvironment, event_type: str, text: str) -> Template:
    try:
        return environment.from_string(text)
    except TemplateSyntaxError as fault:
        raise SinkError(f"templates: {event_type}: line {fault.lineno}: {fault.message}") from fault
