"""What a worker says about not being ready reaches the operator; silence does no harm."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from eventconsumer_operator.hearing import heard
from eventconsumer_operator.pods import Trouble, trouble
from eventconsumer_workers.health import Pulse, served
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eventconsumer_operator.models import Manifest

POD: Manifest = {
    "metadata": {"name": "audit-1", "namespace": "tasks"},
    "status": {
        "podIP": "127.0.0.1",
        "containerStatuses": [{"ready": False, "restartCount": 0, "state": {"running": {}}}],
    },
}


@pytest.fixture
def pulse() -> Pulse:
    pulse = Pulse()
    pulse.turn(joined=True)
    return pulse


@pytest.fixture
def port(pulse: Pulse) -> Iterator[int]:
    with served(pulse, 0) as port:
        yield port


def said(port: int) -> Trouble | None:
    return trouble(asyncio.run(heard([POD], port=port)))


def test_the_obstacle_that_a_worker_names_is_told(pulse: Pulse, port: int) -> None:
    pulse.wait_for("the audit log cannot be written: No space left\non device")
    told = eventually("its words", lambda: said(port))
    expected = "pod audit-1: the audit log cannot be written: No space left?on device"
    assert told == Trouble(expected, lasting=False)


def test_a_worker_that_waits_for_nothing_has_no_trouble(port: int) -> None:
    assert said(port) is None


def test_a_worker_that_does_not_answer_does_no_harm() -> None:
    assert said(port=1) is None


def test_a_ready_worker_is_left_alone(port: int) -> None:
    ready = {**POD, "status": {"podIP": "127.0.0.1", "containerStatuses": [{"ready": True}]}}
    assert asyncio.run(heard([ready], port=port)) == (ready,)
