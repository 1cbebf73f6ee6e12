from __future__ import annotations

import pytest

from dev.runc import value_after, without_missing

ALL = (1 << 41) - 1
CAP_SYS_RESOURCE = 1 << 24


def test_what_the_machine_lacks_is_not_asked_for() -> None:
    caps = ["CAP_CHOWN", "CAP_SYS_RESOURCE", "CAP_CHECKPOINT_RESTORE"]
    process = {"args": ["init"], "capabilities": {"bounding": caps, "ambient": []}}

    trimmed = without_missing(process, ALL & ~CAP_SYS_RESOURCE)

    assert trimmed["capabilities"] == {"bounding": ["CAP_CHOWN", "CAP_CHECKPOINT_RESTORE"], "ambient": []}
    assert trimmed["args"] == ["init"]


def test_a_process_without_capability_sets_stays_without() -> None:
    assert without_missing({"args": ["sh"]}, ALL)["capabilities"] == {}


@pytest.mark.parametrize(
    "words", [["create", "--bundle", "/b", "id"], ["--log", "x", "create", "--bundle=/b", "id"]]
)
def test_the_bundle_is_found_however_it_is_written(words: list[str]) -> None:
    assert value_after("--bundle", words) == "/b"


def test_a_flag_that_is_not_there_has_no_value() -> None:
    assert value_after("--process", ["create", "--bundle", "/b"]) is None
