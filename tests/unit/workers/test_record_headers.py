"""Headers that can't be read, since a name of theirs is no text, are asked for once and stop nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Message
from typing_extensions import override

from eventconsumer_workers import Delivery, Event
from eventconsumer_workers.dead_letters import Headers, Letter
from eventconsumer_workers.envelope import read
from eventconsumer_workers.handlers.custom import Custom
from eventconsumer_workers.opened import Opened
from eventconsumer_workers.record_headers import UNREADABLE, header_list
from eventconsumer_workers.redrive import Choice, headers_back
from tests.support.events import encoded

if TYPE_CHECKING:
    from eventconsumer_workers.handlers import Record


class Odd(Message):
    """A message as the client has it when the name of a header is no text."""

    asked = False
    given: Headers | None = None

    @override
    def headers(self) -> Headers:
        if self.given is not None:
            return self.given
        assert not self.asked, "the second answer of the real one ends the process"
        self.asked = True
        raise SystemError("<method 'headers'> returned a result with an exception set")

    @override
    def set_headers(self, headers: Headers | dict[str, str | bytes | None]) -> None:
        self.given = list(headers.items()) if isinstance(headers, dict) else headers


def odd() -> Odd:
    return Odd("orders", 2, 41, b"k", encoded())


@pytest.mark.parametrize("record", [odd(), Opened(odd(), b"{}")])
def test_what_can_not_be_read_is_one_header_that_says_so(record: Record) -> None:
    assert header_list(record) == [UNREADABLE]
    assert (header_list(record), record.headers()) == ([UNREADABLE], [UNREADABLE])


def test_a_dead_letter_without_the_headers_of_its_message_says_so_and_where_that_is() -> None:
    letter = Letter(odd(), "refused", sink="erp")
    _, value, headers = letter.posting("notification").sent()
    assert headers[:2] == [UNREADABLE, ("notification_sink", b"notification/erp")]
    assert (dict(headers)["dlq_offset"], value) == (b"41", letter.record.value())


def test_a_redrive_leaves_what_nobody_can_read_and_sends_back_what_a_worker_set_aside() -> None:
    assert Choice("orders", max_rounds=3).left(odd()) == "of another topic"
    key, value, headers = Letter(odd(), "refused").posting("notification").sent()
    letter = Message("orders-dlq", 0, 5, key, value, headers)
    assert Choice("orders", max_rounds=3).left(letter) is None
    assert headers_back(letter) == [("dlq_rounds", b"1")]


def test_a_function_of_the_delivery_may_ask_for_the_headers() -> None:
    seen: list[object] = []

    def handle(_: Event, delivery: Delivery) -> None:
        seen.append(delivery.record.headers())

    event = read(encoded(), frozenset())
    assert event is not None
    Custom(handle).deliver(Delivery(event, odd(), 1, lambda: True))
    assert seen == [[UNREADABLE]]
