"""A line that carries its own right hash is still found when it does not follow from those before it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from eventconsumer_workers.audit.chain import START, Checkpoint, Entry, Fault, Head, Removed, extend, seal
from eventconsumer_workers.audit.follower import Follower, following
from eventconsumer_workers.audit.group import header
from tests.unit.workers.audit.builders import columns, some

HEAD = Head("orders", 0, sequence=4, next_offset=9, hash="a" * 64)
FIRST = START.decode()


def entry(**changes: Any) -> Entry:
    """Return the entry that follows there, or another one."""
    fields: dict[str, Any] = {
        "event_id": "7",
        "sequence": 5,
        "topic": "orders",
        "partition": 0,
        "offset": 9,
        "audited_at": "then",
        "event": msgspec.Raw(b"{}"),
        "previous_hash": "a" * 64,
        "hash": "b" * 64,
    }
    return Entry(**{**fields, **changes})


def follow(*lines: bytes) -> Follower:
    follower = Follower()
    for line in lines:
        follower.follow(line)
    return follower


def entries(offsets: range, *, partition: int = 0, after: Head | None = None) -> tuple[bytes, Head]:
    """Return the lines of entries, and the end of their chain."""
    (part,) = columns(some(offsets, partition=partition))
    added = extend(after or Head("orders", partition), part, audited_at="then")
    return added.lines, added.head


def checkpoint(*heads: Head, previous: str, full: bool = False) -> tuple[bytes, str]:
    return seal(Checkpoint(list(heads), "then", full=full, previous_hash=previous))


def test_an_entry_moves_its_chain() -> None:
    assert following(HEAD, entry(offset=12)) == Head("orders", 0, 5, 13, "b" * 64)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sequence": 6}, "sequence 6 follows 4"),
        ({"sequence": 4}, "sequence 4 follows 4"),
        ({"previous_hash": "c" * 64}, "another hash than its predecessor's"),
        ({"offset": 8}, "offset 8 was settled before"),
    ],
)
def test_an_entry_that_does_not_go_on_from_its_chain_is_found(change: dict[str, Any], words: str) -> None:
    with pytest.raises(Fault, match=words):
        following(HEAD, entry(**change))


def test_an_offset_that_a_checkpoint_calls_settled_is_not_entered_later() -> None:
    begin, first = header(1, {}, FIRST)
    lines, head = entries(range(1))
    settled = msgspec.structs.replace(head, next_offset=20)
    later, _ = entries(range(15, 16), after=head)
    with pytest.raises(Fault, match="offset 15 was settled before"):
        follow(begin, lines, checkpoint(settled, previous=first)[0], later)


def test_a_first_segment_goes_on_from_nothing() -> None:
    with pytest.raises(Fault, match="goes on from chains that are not there"):
        follow(header(1, {("orders", 0): HEAD}, FIRST)[0])


def test_a_full_checkpoint_names_all_chains() -> None:
    begin, first = header(1, {}, FIRST)
    lines, head = entries(range(2))
    others, other = entries(range(1), partition=1)
    both, second = checkpoint(head, other, previous=first)
    group = (*lines.splitlines(keepends=True), others, both)
    assert follow(begin, *group, checkpoint(head, other, previous=second, full=True)[0]).entries == 3
    with pytest.raises(Fault, match="names 1 of 2 chains"):
        follow(begin, *group, checkpoint(head, previous=second, full=True)[0])


def test_segments_follow_in_their_order() -> None:
    begin, first = header(2, {}, FIRST)
    follow(begin, header(3, {}, first)[0])
    with pytest.raises(Fault, match="segment 4 follows segment 2"):
        follow(begin, header(4, {}, first)[0])


def test_what_is_said_to_be_removed_is_what_the_rest_goes_on_from() -> None:
    begin, first = header(1, {}, FIRST)
    assert follow(begin, header(2, {}, first, removed=Removed(1, first, "then"))[0]).removed == 1
    with pytest.raises(Fault, match="is not what segment 2 goes on from"):
        follow(begin, header(2, {}, first, removed=Removed(1, "another", "then"))[0])
