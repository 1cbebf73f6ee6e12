"""Every message is an event or is rejected with a reason; nothing else happens."""

from __future__ import annotations

import gc
import json
from typing import Any
from weakref import ref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventconsumer_workers.envelope import Event, OtherEvent, Outcome, Rejected, TaskEvent, read, read_all
from tests.support.events import encoded, event

ALL: frozenset[str] = frozenset()
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_a_task_event_is_read_with_its_task() -> None:
    sent = event("task.completed", title="Buy milk")
    found = read(json.dumps(sent).encode(), ALL)
    assert found is not None
    assert found.task is not None
    assert (found.event_id, found.event_type) == (sent["event_id"], "task.completed")
    assert (found.task.task_id, found.task.title) == (sent["data"]["task_id"], "Buy milk")
    assert found.correlation_id == sent["metadata"]["correlation_id"]


def test_an_unknown_event_type_is_an_event_without_a_task() -> None:
    found = read(encoded("user.invited", data={"user": 7}), ALL)
    assert isinstance(found, OtherEvent)
    assert found.task is None
    assert bytes(found.data) == b'{"user": 7}'


def test_an_event_of_an_unwanted_type_passes_by_whatever_its_data_are() -> None:
    assert read(encoded("user.invited", data=[1, 2]), frozenset({"task.created"})) is None


def test_unknown_fields_are_no_fault() -> None:
    assert read(encoded(schema_version=3), ALL) is not None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param(None, "no value", id="null value"),
        pytest.param(b"", "truncated", id="empty"),
        pytest.param(b"not json", "malformed", id="no JSON"),
        pytest.param(b"[1]", "Expected `object`", id="no object"),
        pytest.param(b"{}", "missing required field", id="empty object"),
        pytest.param(encoded(event_id=""), "length >= 1", id="id is empty"),
        pytest.param(encoded(event_id="x" * 129), "length <= 128", id="id is a text"),
        pytest.param(
            json.dumps({**event(), "event_type": 1}).encode(), "Expected `str`", id="type is a number"
        ),
        pytest.param(encoded(data={"task_id": "1", "status": "pending"}), "`title`", id="task without title"),
        pytest.param(encoded(title=7), "Expected `str`", id="title is a number"),
        pytest.param(encoded(metadata=None), "Expected `object`", id="metadata is null"),
        pytest.param(encoded("user.invited", data=[1]), "Expected `object`", id="foreign data is a list"),
        pytest.param(encoded().replace(b"report", b"\xff\xfe"), "not UTF-8", id="not UTF-8 in copied data"),
        pytest.param(encoded("new").replace(b"null", b"[" * 9000 + b"]" * 9000), "too deeply", id="nested"),
        pytest.param(encoded()[:-1], "truncated", id="cut"),
        pytest.param(encoded(labels=[{}] * 600)[:-1], "truncated", id="cut, with many brackets"),
    ],
)
def test_what_is_no_event_is_rejected_with_the_reason(value: bytes | None, reason: str) -> None:
    with pytest.raises(Rejected, match=reason):
        read(value, ALL)


def nested(depth: int) -> bytes:
    """Return an event of this depth, and with more brackets in its title."""
    array: list[Any] = []
    for _ in range(depth - 2):
        array = [array]
    return encoded(title='\\"[{' * 600, labels=array)


@pytest.mark.parametrize(("depth", "is_event"), [(512, True), (513, False)])
def test_an_event_is_nested_so_deep_at_most_however_much_of_the_stack_is_left(
    depth: int, *, is_event: bool
) -> None:
    def deeper(calls: int) -> list[Outcome]:
        return deeper(calls - 1) if calls else [_outcome(nested(depth)), *read_all([nested(depth)], ALL)[0]]

    for found in (*deeper(0), *deeper(300)):
        assert isinstance(found, Event if is_event else Rejected)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_rejected(value: bytes) -> None:
    assert isinstance(_outcome(value), Event | Rejected)


@given(st.dictionaries(st.sampled_from(sorted(event())), json_values))
def test_any_json_in_the_place_of_a_field_is_an_event_or_rejected(changes: dict[str, Any]) -> None:
    outcome = _outcome(json.dumps({**event(), **changes}).encode())
    assert isinstance(outcome, Event | Rejected)


@given(st.text(), st.text())
def test_any_text_in_a_task_is_read_as_it_was_sent(task_id: str, title: str) -> None:
    data = {"task_id": task_id, "title": title, "status": "pending", "owner_id": None}
    outcome = _outcome(json.dumps(event(data=data), ensure_ascii=False).encode())
    assert isinstance(outcome, TaskEvent)
    assert outcome.task is not None
    assert (outcome.task.task_id, outcome.task.title) == (task_id, title)


def _outcome(value: bytes | None, wanted: frozenset[str] = ALL) -> Event | Rejected | None:
    try:
        return read(value, wanted)
    except Rejected as rejection:
        return rejection


messages = st.one_of(
    st.none(),
    st.binary(max_size=20),
    st.sampled_from(["task.created", "task.updated", "user.invited"]).map(encoded),
    st.sampled_from(["task.created", "user.invited"]).map(lambda kind: encoded(kind, data={"ü": [1]})),
    st.just(encoded().replace(b"report", "Bücher".encode())),
    st.just(encoded().replace(b"report", b"\xff")),
)


@given(st.lists(messages, max_size=30), st.sampled_from([ALL, frozenset({"task.created"})]))
def test_a_batch_is_read_as_its_messages_are_one_by_one(
    values: list[bytes | None], wanted: frozenset[str]
) -> None:
    found, odd = read_all(values, wanted)
    assert odd == [place for place, one in enumerate(found) if not isinstance(one, Event)]
    assert [_plain(one) for one in found] == [_plain(_outcome(value, wanted)) for value in values]


class Values(list[bytes | None]):
    """The values of a batch, whose end can be seen."""


def test_what_is_no_event_holds_nothing_of_its_batch() -> None:
    values = Values([encoded(), b"{", b"\xff", None, encoded()])
    alive = ref(values)
    gc.disable()
    try:
        found, odd = read_all(values, ALL)
        del values
        assert (alive(), len(found), odd) == (None, 5, [1, 2, 3])
    finally:
        gc.enable()


def _plain(outcome: Event | Rejected | None) -> object:
    if isinstance(outcome, OtherEvent):
        return (outcome.event_id, outcome.event_type, bytes(outcome.data), bytes(outcome.metadata))
    return str(outcome) if isinstance(outcome, Rejected) else outcome
