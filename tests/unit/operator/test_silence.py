"""Watches that have gone silent are told from a cluster where nothing happens."""

from __future__ import annotations

import pytest

from eventconsumer_operator.names import DEPLOYMENTS, ObjectKey
from eventconsumer_operator.silence import Silence

PATIENCE = 60.0
KEY = ObjectKey("tasks", "a")


def silence_after_a_listing() -> Silence:
    silence = Silence(patience=PATIENCE)
    silence.listed(DEPLOYMENTS, KEY, 7, now=100.0)
    return silence


def test_where_nothing_happens_there_is_no_fault() -> None:
    assert Silence(patience=PATIENCE).fault(now=1e9) is None


def test_what_a_listing_showed_and_no_watch_tells_is_a_fault_after_the_patience() -> None:
    silence = silence_after_a_listing()
    assert silence.fault(now=100.0 + PATIENCE) is None
    assert "deployments" in (silence.fault(now=101.0 + PATIENCE) or "")


def test_a_second_listing_does_not_begin_the_patience_anew() -> None:
    silence = silence_after_a_listing()
    silence.listed(DEPLOYMENTS, KEY, 9, now=150.0)
    assert silence.fault(now=101.0 + PATIENCE)


@pytest.mark.parametrize(
    ("version", "gone", "well"),
    [(7, False, True), (8, False, True), (6, False, False), (6, True, True)],
    ids=["that version", "a later one", "an earlier one", "it is gone"],
)
def test_only_hearing_of_it_ends_the_wait(version: int, gone: bool, well: bool) -> None:  # noqa: FBT001  # a table
    silence = silence_after_a_listing()
    silence.heard(DEPLOYMENTS, KEY, version, gone=gone)
    assert (silence.fault(now=1e9) is None) is well
