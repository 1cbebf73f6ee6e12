"""What is noted beside an offset brings each sink back to where it was."""

from __future__ import annotations

import pytest

from eventconsumer_workers.sink_progress import SinkProgress


def progress(note: str = "", *, taken: int = 5) -> SinkProgress:
    """Return a partition of which some messages were taken, each for both sinks."""
    made = SinkProgress(["log", "erp"], note)
    for offset in range(taken):
        made.take(offset, {"log", "erp"})
        made.reach(offset + 1)
    return made


def test_a_sink_that_is_ahead_of_the_slowest_one_is_noted_and_skips_that_after_a_restart() -> None:
    before = progress()
    for offset in (0, 1, 3):
        before.finish("log", offset)
    after = progress(before.note())
    assert [after.has("log", offset) for offset in range(4)] == [True, True, False, False]
    assert not after.has("erp", 0)


def test_a_sink_that_has_everything_skips_it_all_after_a_restart() -> None:
    before = progress(taken=3)
    for offset in range(3):
        before.finish("log", offset)
    after = progress(before.note())
    assert [after.has("log", offset) for offset in range(4)] == [True, True, True, False]


def test_nothing_is_noted_when_all_are_equally_far() -> None:
    made = progress(taken=1)
    assert made.note() == ""
    for sink in ("log", "erp"):
        made.finish(sink, 0)
    made.mark.finish(0)
    assert made.note() == ""


def test_what_an_earlier_owner_noted_is_noted_on_until_it_is_caught_up_with() -> None:
    again = progress('{"sinks":{"log":4}}', taken=0)
    again.take(0, {"erp"})
    again.reach(1)
    assert progress(again.note()).has("log", 3)


@pytest.mark.parametrize("note", ["", "someone's own words", "{}", '{"sinks":{"log":"x"}}', "[]"])
def test_a_note_that_is_none_means_that_nobody_is_ahead(note: str) -> None:
    assert not progress(note).has("log", 0)


def test_the_highest_finished_offset_of_a_sink_is_known() -> None:
    made = progress()
    assert made.highest("log") == -1
    made.finish("log", 3)
    made.finish("log", 1)
    assert made.highest("log") == 3
