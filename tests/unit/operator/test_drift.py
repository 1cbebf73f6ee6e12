"""When an object is applied, and when it is left alone."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from eventconsumer_operator import desired
from eventconsumer_operator.connection import Connection
from eventconsumer_operator.drift import Applied, needs_apply
from eventconsumer_operator.pod_template import Image
from tests.unit.operator.builders import consumer

DESIRED = desired.deployment(consumer(), Connection("k:9092", "t"), Image("workers", "IfNotPresent"))


def live(**metadata: Any) -> dict[str, Any]:
    returned = copy.deepcopy(DESIRED)
    returned["metadata"] |= {"uid": "d-1", "generation": 5, **metadata}
    return returned


APPLIED = Applied.of(DESIRED, live())
OTHER = copy.deepcopy(DESIRED) | {"spec": {"replicas": 9}}

CASES: dict[str, tuple[dict[str, Any], dict[str, Any] | None, Applied | None, bool]] = {
    "an untouched object is left alone": (DESIRED, live(), APPLIED, False),
    "a missing object is applied": (DESIRED, None, APPLIED, True),
    "after a restart of the operator it is applied once": (DESIRED, live(), None, True),
    "an edited resource is applied": (OTHER, live(), APPLIED, True),
    "an object edited behind our back is applied": (DESIRED, live(generation=6), APPLIED, True),
    "an object made anew by someone is applied": (DESIRED, live(uid="d-2"), APPLIED, True),
    "a watch that is late is waited for": (DESIRED, live(generation=4), APPLIED, False),
    "a removed label is put back": (DESIRED, live(labels={}), APPLIED, True),
    "a removed owner is put back": (DESIRED, live(ownerReferences=[]), APPLIED, True),
    "an added label is none of our business": (
        DESIRED,
        live(labels=DESIRED["metadata"]["labels"] | {"team": "tasks"}),
        APPLIED,
        False,
    ),
}


@pytest.mark.parametrize(("wanted", "seen", "applied", "expected"), CASES.values(), ids=CASES.keys())
def test_needs_apply(
    wanted: dict[str, Any], seen: dict[str, Any] | None, applied: Applied | None, *, expected: bool
) -> None:
    assert needs_apply(wanted, seen, applied) is expected
