"""What a person sees who starts the Task API with a wrong environment."""

from __future__ import annotations

import pytest

from eventconsumer_api.__main__ import main


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("AUTH", "", "AUTH: say how callers prove who they are"),
        ("AUTH", "password", "AUTH: Input should be 'jwt', 'api_key' or 'none'"),
        ("PORT", "abc", "PORT: Input should be a valid integer"),
        ("LOG_LEVEL", "loud", "LOG_LEVEL: Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("DATABASE_URL", "tasks.db", "DATABASE_URL: must be a database URL such as sqlite:///tasks.db"),
        ("DATABASE_URL", "sqlite://", "DATABASE_URL: must name a file"),
    ],
)
def test_a_wrong_variable_is_named_and_nothing_starts(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    sentence: str,
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert sentence in capsys.readouterr().err
