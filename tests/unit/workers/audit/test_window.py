from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from eventconsumer_workers.audit.window import Window


@given(st.lists(st.lists(st.integers(0, 60).map(str), max_size=12)), st.integers(1, 10))
def test_of_the_latest_different_ids_none_is_missed_and_none_is_made_up(
    groups: list[list[str]], size: int
) -> None:
    window = Window(size)
    added: list[str] = []
    for group in groups:
        fresh = [one for one in dict.fromkeys(group) if one not in window.known(group)]
        window.add(fresh)
        added += fresh
    assert window.known(added[-size:]) == set(added[-size:])
    assert window.known([str(number) for number in range(61)]) <= set(added)


@given(st.integers(1, 50), st.integers(0, 400))
def test_not_more_than_twice_the_size_are_kept(size: int, count: int) -> None:
    window = Window(size)
    ids = [str(number) for number in range(count)]
    window.add(ids)
    assert min(size, count) <= len(window.known(ids)) <= 2 * size
