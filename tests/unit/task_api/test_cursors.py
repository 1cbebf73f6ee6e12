"""Places in a list and the words for them."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from eventconsumer_api.routes import cursors


@given(st.integers(min_value=-(2**63), max_value=2**63 - 1))
def test_a_place_comes_back_from_its_word(place: int) -> None:
    word = cursors.cursor(place)
    assert re.fullmatch(cursors.PATTERN, word)
    assert cursors.place_of(word) == place


@given(st.from_regex(cursors.PATTERN, fullmatch=True).map(str.rstrip))
def test_every_word_of_the_right_form_is_a_place_that_a_database_can_hold(word: str) -> None:
    assert -(2**63) <= cursors.place_of(word) < 2**63
