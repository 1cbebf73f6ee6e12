"""Every reason of KeepingUp and ConsumersJoined, made to happen by real groups on a real broker."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from tests.integration.operator.following import (
    WORKER,
    commit,
    member,
    observe,
    produce,
    said,
    status_with,
    target,
)
from tests.support.conditions import condition

if TYPE_CHECKING:
    from dev.kafka import LocalBroker
    from tests.integration.conftest import MakeTopic

PROTOCOLS = pytest.mark.parametrize("protocol", ["classic", "consumer"])


def test_a_group_that_read_everything_is_caught_up(broker: LocalBroker, topic: str) -> None:
    produce(broker, topic, count=3)
    commit(broker, topic, partition=0, offset=3)

    status = status_with(target(broker, topic), ("KeepingUp", "CaughtUp"))

    assert condition(status, "KeepingUp")["status"] == "True"
    assert status["summary"]["status"] == "MembersMissing"


def test_a_member_that_commits_nothing_while_the_end_moves_is_stalled(
    broker: LocalBroker, topic: str
) -> None:
    produce(broker, topic, count=3)
    commit(broker, topic, partition=0, offset=1)

    with member(broker, topic):
        status = status_with(
            target(broker, topic), ("KeepingUp", "Stalled"), each=lambda: produce(broker, topic)
        )

    assert condition(status, "KeepingUp")["status"] == "False"
    assert status["summary"]["status"] == "Stalled"


def test_unread_records_that_nobody_is_there_for_are_stopped(broker: LocalBroker, topic: str) -> None:
    produce(broker, topic, count=3)

    status = status_with(target(broker, topic), ("KeepingUp", "Stopped"))

    assert status["summary"]["status"] == "Stopped"


def test_a_consumer_without_replicas_is_stopped_as_soon_as_a_record_waits(
    broker: LocalBroker, topic: str
) -> None:
    produce(broker, topic, count=1)
    status = status_with(target(broker, topic), ("KeepingUp", "Stopped"), replicas=0)
    assert condition(status, "KeepingUp")["status"] == "False"


def test_offsets_that_are_reset_back_are_rewound(broker: LocalBroker, topic: str) -> None:
    produce(broker, topic, count=9)
    commit(broker, topic, partition=0, offset=8)
    looks = count()

    def reset_once() -> None:
        if next(looks) == 1:
            commit(broker, topic, partition=0, offset=2)

    status = status_with(target(broker, topic), ("KeepingUp", "Rewound"), each=reset_once)

    assert status["summary"]["status"] == "Rewound"


def test_more_written_than_read_is_falling_behind(broker: LocalBroker, topic: str) -> None:
    produce(broker, topic, count=150)
    offsets = count(1)

    def one_of_forty() -> None:
        produce(broker, topic, count=40)
        commit(broker, topic, partition=0, offset=next(offsets))

    status = status_with(target(broker, topic), ("KeepingUp", "FallingBehind"), each=one_of_forty)

    assert condition(status, "KeepingUp")["status"] == "False"


def test_a_backlog_that_is_worked_off_is_recovering_and_then_caught_up(
    broker: LocalBroker, topic: str
) -> None:
    produce(broker, topic, count=1000)
    offsets = count(60, 60)

    def sixty() -> None:
        commit(broker, topic, partition=0, offset=min(1000, next(offsets)))

    recovering = status_with(target(broker, topic), ("KeepingUp", "Recovering"), each=sixty)
    caught_up = status_with(target(broker, topic), ("KeepingUp", "CaughtUp"), each=sixty)

    assert recovering["summary"]["status"] == "Recovering"
    assert caught_up["lag"] <= 100


def test_records_that_expired_unread_are_data_loss(broker: LocalBroker, topic: str) -> None:
    produce(broker, topic, count=9)
    commit(broker, topic, partition=0, offset=2)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    for future in admin.delete_records([TopicPartition(topic, 0, 6)]).values():
        future.result(timeout=30)

    status = status_with(target(broker, topic), ("DataLoss", "RecordsExpired"))

    assert condition(status, "DataLoss")["message"].startswith("4 records expired")
    assert status["partitions"][0] == {
        "partition": 0,
        "lag": 3,
        "committed": 2,
        "logStart": 6,
        "logEnd": 9,
    }


def test_dead_letters_are_counted_and_unknown_without_a_topic(
    broker: LocalBroker, make_topic: MakeTopic
) -> None:
    topic, dead_letters = make_topic(1), make_topic(2)
    produce(broker, dead_letters, partition=0, count=3)
    produce(broker, dead_letters, partition=1, count=1)

    known = observe(target(broker, topic, dead_letter_topic=dead_letters))
    absent = observe(target(broker, topic, dead_letter_topic="nobody-made-this-dlq"))

    assert (said(known)["deadLetters"], said(absent)["deadLetters"]) == (4, None)


def test_dead_letters_that_a_redrive_has_taken_are_counted_no_more(
    broker: LocalBroker, make_topic: MakeTopic
) -> None:
    topic, dead_letters = make_topic(1), make_topic(2)
    produce(broker, dead_letters, partition=0, count=3)
    produce(broker, dead_letters, partition=1, count=1)
    commit(broker, dead_letters, partition=0, offset=2, group=f"{dead_letters}.redrive")

    assert said(observe(target(broker, topic, dead_letter_topic=dead_letters)))["deadLetters"] == 2


@PROTOCOLS
def test_workers_in_their_group_have_joined(broker: LocalBroker, topic: str, protocol: str) -> None:
    with member(broker, topic, **{"group.protocol": protocol}):
        status = status_with(target(broker, topic), ("ConsumersJoined", "AllJoined"))
    assert condition(status, "ConsumersJoined")["status"] == "True"


@PROTOCOLS
def test_a_stranger_in_the_group_is_named_by_client_id_and_host(
    broker: LocalBroker, topic: str, protocol: str
) -> None:
    with member(broker, topic, client_id="console-consumer", **{"group.protocol": protocol}):
        status = status_with(target(broker, topic), ("ConsumersJoined", "ForeignMembers"))
    assert "console-consumer at 127.0.0.1" in condition(status, "ConsumersJoined")["message"]


def test_a_ready_worker_that_is_not_in_the_group_is_missing(broker: LocalBroker, topic: str) -> None:
    with member(broker, topic):
        status = status_with(target(broker, topic), ("ConsumersJoined", "MembersMissing"), replicas=2)
    assert condition(status, "ConsumersJoined")["status"] == "False"


def test_partitions_that_no_worker_has_are_named(broker: LocalBroker, make_topic: MakeTopic) -> None:
    topic, another = make_topic(2), make_topic(1)
    with member(broker, topic, topic=another):
        status = status_with(target(broker, topic), ("ConsumersJoined", "PartitionsUnassigned"))
    assert condition(status, "ConsumersJoined")["message"].endswith("partitions 0, 1")


def test_more_workers_than_partitions_idle(broker: LocalBroker, make_topic: MakeTopic) -> None:
    topic = make_topic(1)
    with member(broker, topic, client_id=f"{WORKER}1"), member(broker, topic, client_id=f"{WORKER}2"):
        status = status_with(target(broker, topic), ("ConsumersJoined", "IdleMembers"), replicas=2)
    assert condition(status, "ConsumersJoined")["status"] == "True"
