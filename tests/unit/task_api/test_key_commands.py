"""`eventconsumer-api keys`, as its user meets it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from eventconsumer_api.__main__ import main
from eventconsumer_api.services.api_keys import ApiKeyService
from eventconsumer_api.storage.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run a command on a database of its own; return its exit code and what it printed."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/tasks.db")

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["keys", *words])
        printed = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return code, printed.out, printed.err

    return run


def test_a_key_is_printed_once_and_counts(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    code, key, told = run("create", "ci", "--admin")
    assert (code, "shown this once" in told) == (0, True)
    with closing(Database(f"sqlite:///{tmp_path}/tasks.db")) as database:
        bearer = ApiKeyService(database).bearer(key.strip())
    assert bearer is not None
    assert (bearer.subject, bearer.admin) == ("ci", True)
    _, listed, _ = run("list")
    assert "ci" in listed
    assert key.strip() not in listed


def test_a_key_is_revoked_by_the_id_that_the_list_tells(run: Callable[..., tuple[int, str, str]]) -> None:
    run("create", "ci")
    _, listed, _ = run("list")
    key_id = listed.splitlines()[1].split()[0]
    assert run("revoke", key_id)[0] == 0
    _, listed, _ = run("list")
    _id, name, _owner, _admin, *moments = listed.splitlines()[1].split()
    assert (name, len(moments)) == ("ci", len(["created", "at", "revoked", "at"]))


def test_an_id_that_is_not_there_is_an_error(run: Callable[..., tuple[int, str, str]]) -> None:
    code, _, told = run("revoke", "00000000-0000-0000-0000-000000000000")
    assert (code, told) == (1, "There is no key 00000000-0000-0000-0000-000000000000.\n")


@pytest.mark.parametrize(
    "words", [["create", " "], ["create", "x" * 101], ["create", "a\nb"], ["revoke", "x"]]
)
def test_a_name_or_id_that_is_none_is_a_mistake_of_the_command_line(
    run: Callable[..., tuple[int, str, str]], words: list[str]
) -> None:
    assert run(*words)[0] == 2
