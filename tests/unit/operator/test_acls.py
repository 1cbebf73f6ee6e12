"""What a KafkaUser's ACLs let workers do, by Kafka's own rules, and what is said where they don't."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from eventconsumer_operator.acls import Need, advice, missing, needs
from eventconsumer_operator.checks import RIGHT_CHECKS, connection_of, first_finding
from eventconsumer_operator.names import ConditionType, Reason
from tests.unit.operator.builders import consumer, kafka, user, world

NEEDS = needs(topic="task-events", group="notification-service", dead_letter_topic="task-events-dlq")
READ = ("Read", "Describe")
OPERATIONS = ["Read", "Write", "Create", "Delete", "Alter", "Describe", "All"]


def acl(resource: str, name: str, *operations: str, **fields: Any) -> dict[str, Any]:
    pattern = {"patternType": fields.pop("pattern")} if "pattern" in fields else {}
    return {"resource": {"type": resource, "name": name, **pattern}, "operations": list(operations), **fields}


def guarded(*super_users: str, kind: str = "simple") -> dict[str, Any]:
    manifest = kafka("mtls", "scram")
    manifest["spec"]["kafka"]["authorization"] = {"type": kind, "superUsers": list(super_users)}
    return manifest


def lacking(*acls: dict[str, Any], kafka: dict[str, Any] | None = None) -> list[Need]:
    return missing(user(acls=list(acls)), kafka or guarded(), NEEDS, principal="CN=reader")


TOPIC = acl("topic", "task-events", "Read")
GROUP = acl("group", "notification-service", "Read")
DEAD = acl("topic", "task-events-dlq", "Write")

ENOUGH: dict[str, list[dict[str, Any]]] = {
    "each by its name": [TOPIC, GROUP, DEAD],
    "by a star": [acl("topic", "*", "Read", "Write"), acl("group", "*", "Read")],
    "by a prefix": [
        acl("topic", "task-", "All", pattern="prefix"),
        acl("group", "notif", "Read", pattern="prefix"),
    ],
    "by the operation of old": [
        {"resource": {"type": "topic", "name": "*"}, "operation": "All"},
        {"resource": {"type": "group", "name": "*"}, "operation": "Read"},
    ],
    "for some hosts, which may be the pods'": [{**TOPIC, "host": "10.0.0.1"}, GROUP, DEAD],
    "with a deny for some hosts, which may be others": [
        TOPIC,
        GROUP,
        DEAD,
        acl("topic", "*", "All", type="deny", host="10.0.0.1"),
    ],
    "with a deny of what workers don't do": [TOPIC, GROUP, DEAD, acl("topic", "*", "Alter", type="deny")],
}


@pytest.mark.parametrize("acls", ENOUGH.values(), ids=ENOUGH.keys())
def test_nothing_is_missing(acls: list[dict[str, Any]]) -> None:
    assert lacking(*acls) == []


LACKING: dict[str, tuple[list[dict[str, Any]], list[Need]]] = {
    "everything": ([], NEEDS),
    "the topic": ([GROUP, DEAD], [Need("topic", "task-events", READ)]),
    "the group": ([TOPIC, DEAD], [Need("group", "notification-service", READ)]),
    "the dead letters": ([TOPIC, GROUP], [Need("topic", "task-events-dlq", ("Write", "Describe"))]),
    "reading, where describing is allowed": (
        [acl("topic", "task-events", "Describe"), GROUP, DEAD],
        [Need("topic", "task-events", ("Read",))],
    ),
    "reading, where writing is allowed": (
        [acl("topic", "task-events", "Write"), GROUP, DEAD],
        [Need("topic", "task-events", ("Read",))],
    ),
    "what a right to create does not give": (
        [acl("topic", "task-events", "Create"), GROUP, DEAD],
        [Need("topic", "task-events", READ)],
    ),
    "what a literal name that looks like a prefix does not give": (
        [acl("topic", "task", "Read"), GROUP, DEAD],
        [Need("topic", "task-events", READ)],
    ),
    "what is denied, whatever is allowed": (
        [TOPIC, GROUP, DEAD, acl("topic", "task-events", "Read", type="deny")],
        [Need("topic", "task-events", ("Read",))],
    ),
    "what a group of the topic's name does not give": (
        [acl("group", "task-events", "Read"), GROUP, DEAD],
        [Need("topic", "task-events", READ)],
    ),
}


@pytest.mark.parametrize(("acls", "lacks"), LACKING.values(), ids=LACKING.keys())
def test_what_is_missing_is_found(acls: list[dict[str, Any]], lacks: list[Need]) -> None:
    assert lacking(*acls) == lacks


@pytest.mark.parametrize(
    "open_",
    [kafka("mtls"), guarded("CN=reader"), guarded(kind="custom")],
    ids=["open", "super user", "custom"],
)
def test_there_is_nothing_to_find_where_acls_do_not_decide(open_: dict[str, Any]) -> None:
    assert lacking(kafka=open_) == []


resources = st.tuples(
    st.sampled_from(["topic", "group"]),
    st.sampled_from(["task-events", "task-events-dlq", "notification-service", "task", "*"]),
)
some_acls = st.lists(
    st.builds(
        lambda where, operations, pattern, kind: acl(*where, *operations, pattern=pattern, type=kind),
        resources,
        st.sets(st.sampled_from(OPERATIONS), min_size=1),
        st.sampled_from(["literal", "prefix"]),
        st.sampled_from(["allow", "deny"]),
    ),
    max_size=6,
)


@given(some_acls)
def test_pasting_the_advice_mends_all_that_is_not_denied(acls: list[dict[str, Any]]) -> None:
    allows = [each for each in acls if each["type"] == "allow"]
    told = advice(user(acls=allows), lacking(*allows))
    pasted = yaml.safe_load(told.partition("acls:\n")[2]) or []
    assert lacking(*allows, *pasted) == []


@given(some_acls)
def test_another_deny_never_gives_a_right(acls: list[dict[str, Any]]) -> None:
    before, after = lacking(*acls), lacking(*acls, acl("topic", "*", "Read", type="deny"))
    assert {(need.resource, need.name, each) for need in before for each in need.operations} <= {
        (need.resource, need.name, each) for need in after for each in need.operations
    }


def test_a_user_with_a_certificate_is_a_super_user_by_its_name_as_strimzi_tells_it() -> None:
    for known in (user(), user(username="CN=reader")):
        asked = world(consumer=consumer(userRef={"name": "reader"}), kafka=guarded("CN=reader"), user=known)
        assert first_finding(asked, RIGHT_CHECKS) is None


def test_a_user_without_any_authorization_is_told_all_of_it() -> None:
    told = advice(user(), NEEDS)
    pasted = yaml.safe_load(told.partition("Add to its spec:\n")[2])
    assert missing({**user(), "spec": pasted}, guarded(), NEEDS, principal="CN=reader") == []


def test_a_user_without_any_authorization_may_do_nothing_where_acls_decide() -> None:
    finding = first_finding(
        world(consumer=consumer(userRef={"name": "reader"}), kafka=guarded(), user=user()), RIGHT_CHECKS
    )
    assert finding is not None
    assert "Add to its spec:\nauthorization:" in finding.message


def test_a_missing_acl_is_a_fault_of_the_user_and_holds_no_worker_back() -> None:
    asked = world(
        consumer=consumer(userRef={"name": "reader"}), kafka=guarded(), user=user(acls=[TOPIC, DEAD])
    )
    finding = first_finding(asked, RIGHT_CHECKS)
    assert finding is not None
    assert (finding.condition, finding.reason) == (ConditionType.USER_READY, Reason.ACL_MISSING)
    assert "may not Read and Describe group notification-service" in finding.message
    assert connection_of(asked) is not None


def test_a_user_with_a_password_is_a_super_user_by_its_name() -> None:
    asked = world(
        consumer=consumer(userRef={"name": "reader"}), kafka=guarded("reader"), user=user("scram-sha-512")
    )
    assert first_finding(asked, RIGHT_CHECKS) is None
