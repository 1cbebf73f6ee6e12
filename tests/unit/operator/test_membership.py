"""Who should be in a group, and who is."""

from __future__ import annotations

from typing import Any

import pytest

from eventconsumer_operator.membership import Expected, Member, consumers_joined, ours
from tests.unit.operator.builders import consumer

TOPIC = "task-events"


def worker(number: int, *partitions: int) -> Member:
    return Member(
        f"notification-service-5d4f-{number}", f"/10.0.0.{number}", tuple((TOPIC, at) for at in partitions)
    )


CONSOLE = Member("console-consumer", "/10.9.9.9", ((TOPIC, 2),))
SAID_BEFORE = {"type": "ConsumersJoined", "status": "True", "reason": "AllJoined", "message": "all well"}

MISSED_BEFORE = {
    "type": "ConsumersJoined",
    "status": "False",
    "reason": "MembersMissing",
    "message": "1 of 2",
}


def answer(
    *members: Member,
    state: str | None = "Stable",
    known: bool = True,
    previous: dict[str, str] | None = None,
    **expected: Any,
) -> tuple[str, str, str]:
    wanted: dict[str, Any] = {"replicas": 2, "ready": 2, "topic": TOPIC, "partitions": 3} | expected
    said = consumers_joined(
        consumer(), state, members if known else None, Expected(**wanted), previous=previous
    )
    return said.status, str(said.reason), said.message


BOTH = (worker(1, 0, 1), worker(2, 2))
CASES: dict[str, tuple[tuple[Member, ...], dict[str, Any], tuple[str, str]]] = {
    "all there": (BOTH, {}, ("True", "AllJoined")),
    "one ready worker is not in the group": ((worker(1, 0, 1, 2),), {}, ("False", "MembersMissing")),
    "nobody is ready and nobody there": (
        (),
        {"ready": 0, "state": "Empty"},
        ("False", "MembersMissing"),
    ),
    "nobody should be there": (
        (),
        {"replicas": 0, "ready": 0, "state": "Empty"},
        ("True", "AllJoined"),
    ),
    "an old pod has not left yet": ((*BOTH, worker(3)), {"partitions": 4}, ("False", "PartitionsUnassigned")),
    "nobody has partition 2": (
        (worker(1, 0), worker(2, 1)),
        {},
        ("False", "PartitionsUnassigned"),
    ),
    "more workers than partitions": (
        (worker(1, 0), worker(2)),
        {"partitions": 1},
        ("True", "IdleMembers"),
    ),
    "partitions are unknown": ((worker(1), worker(2)), {"partitions": None}, ("True", "AllJoined")),
    "a stranger": ((*BOTH, CONSOLE), {}, ("False", "ForeignMembers")),
    "a stranger in a group that nobody of us is in": (
        (CONSOLE,),
        {"replicas": 0, "ready": 0},
        ("False", "ForeignMembers"),
    ),
    "a stranger while partitions are shared out": (
        (*BOTH, CONSOLE),
        {"state": "PreparingRebalance"},
        ("False", "ForeignMembers"),
    ),
    "sharing partitions out for the first time": (
        (worker(1),),
        {"state": "PreparingRebalance"},
        ("Unknown", "Rebalancing"),
    ),
    "sharing partitions out anew": (
        (worker(1),),
        {"state": "CompletingRebalance", "previous": SAID_BEFORE},
        ("True", "AllJoined"),
    ),
    "sharing partitions out anew, and a worker was missing": (
        BOTH,
        {"state": "CompletingRebalance", "previous": MISSED_BEFORE},
        ("False", "MembersMissing"),
    ),
    "workers have just come": (
        (worker(1, 0, 1, 2),),
        {"settled": False, "previous": SAID_BEFORE},
        ("True", "AllJoined"),
    ),
    "a broker that can't be asked": ((), {"known": False, "state": None}, ("Unknown", "GroupUnknown")),
    "a broker that can't be asked, after all was well": (
        (),
        {"known": False, "state": None, "previous": SAID_BEFORE},
        ("Unknown", "GroupUnknown"),
    ),
}


@pytest.mark.parametrize(("members", "given", "said"), CASES.values(), ids=CASES.keys())
def test_consumers_joined(members: tuple[Member, ...], given: dict[str, Any], said: tuple[str, str]) -> None:
    assert answer(*members, **given)[:2] == said


def test_a_stranger_is_named_by_client_and_host() -> None:
    assert answer(*BOTH, CONSOLE)[2].endswith("console-consumer at 10.9.9.9")


def test_unassigned_partitions_are_named_and_not_all_of_many() -> None:
    assert answer(*BOTH, partitions=12)[2].endswith("partitions 3, 4, 5, 6, 7 and 4 more")


def test_the_same_members_in_another_order_are_told_in_the_same_words() -> None:
    other = Member("z", "/10.9.9.8")
    assert answer(CONSOLE, other) == answer(other, CONSOLE)


@pytest.mark.parametrize(
    ("env", "client_id", "is_ours"),
    [
        ([], "notification-service-5d4f-x", True),
        ([], "notification-service", False),
        ([{"name": "LOG_LEVEL", "value": "DEBUG"}], "notification-service-5d4f-x", True),
        ([{"name": "CLIENT_ID", "value": "mine"}], "mine", True),
        ([{"name": "CLIENT_ID", "value": "mine"}], "notification-service-5d4f-x", False),
        ([{"name": "CLIENT_ID", "value": "$(POD)-a"}], "anything", True),
        ([{"name": "CLIENT_ID", "valueFrom": {"fieldRef": {}}}], "anything", True),
    ],
)
def test_a_worker_is_told_by_its_client_id(
    env: list[dict[str, Any]], client_id: str, *, is_ours: bool
) -> None:
    member = Member(client_id, "/10.0.0.1")
    assert (member in ours(consumer(template={"env": env}), [member])) is is_ours


def test_a_long_name_is_cut_as_kubernetes_cuts_the_names_of_pods() -> None:
    name = "n" * 63
    member = Member("n" * 58 + "x7k2p", "/10.0.0.1")
    assert ours(consumer(name), [member]) == [member]
