"""In which of a group's versions each kind is taken, whatever mix of Strimzi's versions a cluster has."""

from __future__ import annotations

import pytest

from eventconsumer_operator.kinds import WATCHED, versions
from eventconsumer_operator.names import EVENT_CONSUMERS, GROUP, STRIMZI

ALL = {"kafkas", "kafkatopics", "kafkausers"}
SERVED: dict[str, tuple[list[tuple[str, set[str]]], dict[str, str]]] = {
    "nothing": ([], {}),
    "Strimzi up to 0.48": ([("v1beta2", ALL)], dict.fromkeys(ALL, "v1beta2")),
    "Strimzi 0.49 to 0.51, which prefer v1": ([("v1", ALL), ("v1beta2", ALL)], dict.fromkeys(ALL, "v1")),
    "Strimzi from 1.0": ([("v1", ALL)], dict.fromkeys(ALL, "v1")),
    "one definition left from an older Strimzi": (
        [("v1", ALL - {"kafkausers"}), ("v1beta2", {"kafkausers"})],
        {"kafkas": "v1", "kafkatopics": "v1", "kafkausers": "v1beta2"},
    ),
    "a definition that is yet to come": ([("v1", {"kafkas"})], {"kafkas": "v1"}),
    "kinds of no interest": ([("v1", {"kafkas", "kafkabridges", "kafkas/status"})], {"kafkas": "v1"}),
}


@pytest.mark.parametrize(("offers", "taken"), SERVED.values(), ids=SERVED.keys())
def test_each_kind_is_taken_in_the_best_version_that_has_it(
    offers: list[tuple[str, set[str]]], taken: dict[str, str]
) -> None:
    assert versions(STRIMZI, offers) == taken


def test_our_own_kind_is_taken_in_the_version_that_this_operator_knows() -> None:
    offers = [("v2", {EVENT_CONSUMERS}), ("v1beta1", {EVENT_CONSUMERS})]
    assert versions(GROUP, offers) == {EVENT_CONSUMERS: "v1beta1"}
    assert versions(GROUP, offers[:1]) == {}


def test_the_resources_that_decisions_are_about_are_listed_after_all_others() -> None:
    assert WATCHED[-1].plural == EVENT_CONSUMERS
