"""The operator's environment."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from eventconsumer_operator.config import Config


@pytest.mark.parametrize(
    ("text", "namespaces"),
    [("", ()), ("tasks", ("tasks",)), ("tasks, billing,", ("tasks", "billing"))],
    ids=["empty watches all", "one", "several"],
)
def test_namespaces_are_split_at_commas(
    monkeypatch: pytest.MonkeyPatch, text: str, namespaces: tuple[str, ...]
) -> None:
    monkeypatch.setenv("WATCH_NAMESPACES", text)
    assert Config().watch_namespaces == namespaces


def test_an_interval_of_zero_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAG_INTERVAL_SECONDS", "0")
    with pytest.raises(ValidationError, match="lag_interval_seconds"):
        Config()
