"""How an event's text stands in the columns of a row."""

from __future__ import annotations

from itertools import product

from eventconsumer_workers.audit.rows import text


def test_no_two_texts_become_the_same() -> None:
    pieces = ("", "a", "\x00", "\\", "u0000", "\\u0000")
    different = {"".join(chosen) for chosen in product(pieces, repeat=5)}
    assert len(set(map(text, different))) == len(different)


def test_a_text_that_the_database_takes_and_that_looks_like_no_other_stays_as_it_is() -> None:
    assert [text(plain) for plain in ("a", "\\", "\\N", "\t", "u0000")] == ["a", "\\", "\\N", "\t", "u0000"]
    assert text("a\x00") == "a\\u0000"
