from __future__ import annotations

import pytest

from dev.source import Source, choose


def test_images_are_used_where_a_registry_answers() -> None:
    assert choose("", registry_answers=True) is Source.OFFICIAL


def test_packages_are_used_where_no_registry_answers() -> None:
    assert choose("", registry_answers=False) is Source.PACKAGES


@pytest.mark.parametrize("wanted", list(Source))
@pytest.mark.parametrize("registry_answers", [True, False])
def test_the_users_choice_wins(*, wanted: Source, registry_answers: bool) -> None:
    assert choose(wanted.value, registry_answers=registry_answers) is wanted


def test_a_typo_is_told_with_what_may_be_written() -> None:
    with pytest.raises(SystemExit, match=r"offical.*official, packages"):
        choose("offical", registry_answers=True)
