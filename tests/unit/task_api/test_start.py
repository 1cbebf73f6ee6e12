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
        ("EVENT_FORMAT", "xml", "EVENT_FORMAT: Input should be 'json' or 'avro'"),
        ("EVENT_FORMAT", "avro", "SCHEMA_REGISTRY_URL: EVENT_FORMAT=avro needs a schema registry"),
        ("SCHEMA_REGISTRY_URL", "registry:8081", "SCHEMA_REGISTRY_URL: must be where the registry speaks"),
        ("SCHEMA_REGISTRY_URL", "http://me:secret@registry", "SCHEMA_REGISTRY_URL: must hold no credentials"),
        ("SCHEMA_REGISTRY_USERNAME", "me", "SCHEMA_REGISTRY_PASSWORD_FILE need each other"),
        ("DATABASE_URL", "sqlite://", "DATABASE_URL: must name a file"),
        ("DATABASE_URL", "mysql://u:p@db/tasks", "DATABASE_URL: must begin with sqlite:/// or postgresql://"),
        ("DATABASE_URL", "postgresql://u:p@db:x/tasks", "DATABASE_URL: its port must be a number"),
        ("DATABASE_URL_FILE", "/nothing/here", "DATABASE_URL_FILE: can't be read: No such file or directory"),
        ("DATABASE_POOL_SIZE", "1", "DATABASE_POOL_SIZE: Input should be greater than or equal to 2"),
        ("DATABASE_MIGRATIONS", "never", "DATABASE_MIGRATIONS: Input should be 'run' or 'check'"),
    ],
)
def test_a_wrong_variable_is_named_and_nothing_starts(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    sentence: str,
) -> None:
    monkeypatch.setenv("AUTH", "none")
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert sentence in capsys.readouterr().err
