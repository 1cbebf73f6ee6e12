"""The page of the benchmarks shows what was measured."""

from __future__ import annotations

from bench import table


def test_the_page_is_made_of_the_results() -> None:
    assert table.PAGE.read_text() == table.page(table.read())
