"""Makes the sinks that the settings describe, with the secrets that the environment holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventconsumer_workers.sinks import Sink, SinkError, signature, wording
from eventconsumer_workers.sinks.apprise import Apprise
from eventconsumer_workers.sinks.log import Log
from eventconsumer_workers.sinks.posting import Poster
from eventconsumer_workers.sinks.slack import Slack, escaped
from eventconsumer_workers.sinks.smtp import Server, Smtp
from eventconsumer_workers.sinks.targets import Forbidden, Policy
from eventconsumer_workers.sinks.templates import Templates
from eventconsumer_workers.sinks.webhook import Webhook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eventconsumer_workers.loglines import LogLines
    from eventconsumer_workers.sinks.settings import (
        AppriseSettings,
        SinkSettings,
        SlackSettings,
        SmtpSettings,
        WebhookSettings,
    )

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


def sink(settings: SinkSettings, environment: Mapping[str, str], lines: LogLines) -> Sink:
    """Return one sink; raise ``SinkError``, which names sink and field, when it can't be made."""
    maker = _Maker(settings, environment)
    try:
        if settings.webhook:
            return maker.webhook(settings.webhook)
        if settings.slack:
            return maker.slack(settings.slack)
        if settings.smtp:
            return maker.smtp(settings.smtp)
        if settings.apprise:
            return maker.apprise(settings.apprise)
        return Log(lines, Templates(wording.completed(settings.templates, wording.LINES)))
    except (SinkError, Forbidden, ValueError) as fault:
        raise SinkError(f"sink {settings.name}: {fault}") from fault


class _Maker:
    """Makes one sink of each type from its settings."""

    def __init__(self, settings: SinkSettings, environment: Mapping[str, str]) -> None:
        self._settings = settings
        self._environment = environment

    def webhook(self, webhook: WebhookSettings) -> Webhook:
        url = webhook.url if webhook.url_env is None else self._secret(webhook.url_env)
        templates = self._settings.templates
        return Webhook(
            self._poster(url or "", webhook),
            Templates(templates) if templates else None,
            signature.keys(self._secret(webhook.signing_env)),
        )

    def slack(self, slack: SlackSettings) -> Slack:
        texts = Templates(wording.completed(self._settings.templates, wording.MESSAGES), finalize=escaped)
        return Slack(self._poster(self._secret(slack.url_env), slack), texts)

    def smtp(self, smtp: SmtpSettings) -> Smtp:
        server = Server(
            host=smtp.host,
            port=smtp.port or _PORTS[smtp.tls],
            tls=smtp.tls,
            username=smtp.username,
            password=None if smtp.password_env is None else self._secret(smtp.password_env),
            timeout=self._settings.timeout_seconds,
        )
        subjects, texts = self._subjects(smtp.subjects), self._letters()
        return Smtp(server, sender=smtp.sender, to=smtp.to, subjects=subjects, texts=texts)

    def apprise(self, apprise: AppriseSettings) -> Apprise:
        return Apprise(
            self._secret(apprise.url_env),
            timeout=self._settings.timeout_seconds,
            subjects=self._subjects(apprise.subjects),
            texts=self._letters(),
        )

    def _subjects(self, own: dict[str, str]) -> Templates:
        return Templates(wording.completed(own, wording.SUBJECTS))

    def _letters(self) -> Templates:
        return Templates(wording.completed(self._settings.templates, wording.LETTERS))

    def _poster(self, url: str, http: WebhookSettings | SlackSettings) -> Poster:
        policy = Policy(http=http.allow_http, private=http.allow_private, networks=http.allowed_networks)
        return Poster(url, policy, timeout=self._settings.timeout_seconds)

    def _secret(self, variable: str) -> str:
        value = self._environment.get(variable, "").strip()
        if not value:
            raise SinkError(f"the environment variable {variable}, which holds its secret, is empty")
        return value
