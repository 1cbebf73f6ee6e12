"""Versions of a task as HTTP names them."""

from __future__ import annotations

import pytest

from eventconsumer_api.etags import etag, is_known, required_versions


def test_an_etag_is_the_version_in_quotes() -> None:
    assert etag(7) == '"7"'


@pytest.mark.parametrize(
    ("if_match", "versions"),
    [
        pytest.param(None, None, id="no condition"),
        pytest.param(" * ", None, id="any version"),
        pytest.param('"3"', {"3"}, id="one version"),
        pytest.param('"3", "5"', {"3", "5"}, id="one of two"),
        pytest.param('W/"3"', set(), id="a weak one, which never matches"),
        pytest.param("3", set(), id="no quotes"),
        pytest.param("", set(), id="nothing"),
    ],
)
def test_if_match_names_the_versions_that_may_be_changed(
    if_match: str | None, versions: set[str] | None
) -> None:
    assert required_versions(if_match) == versions


@pytest.mark.parametrize(
    ("if_none_match", "known"),
    [
        (None, False),
        ("*", True),
        ('"3"', True),
        ('W/"3"', True),
        ('"1","3"', True),
        ('"4"', False),
        ("3", False),
    ],
)
def test_if_none_match_tells_what_the_caller_has(if_none_match: str | None, *, known: bool) -> None:
    assert is_known(if_none_match, 3) is known
