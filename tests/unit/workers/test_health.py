"""The probes say what the loop says about itself, and nothing else."""

from __future__ import annotations

from http.client import HTTPConnection

import pytest

from eventconsumer_workers.health import Pulse, served


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_worker_is_ready_once_it_is_a_member_of_its_group() -> None:
    pulse = Pulse()
    assert pulse.alive() == (True, "the loop turns")
    assert pulse.ready() == (False, "not yet a member of the consumer group")
    pulse.turn(joined=True)
    assert pulse.ready() == (True, "the loop turns")


def test_a_loop_that_stopped_turning_is_not_alive() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    pulse.turn(joined=True)
    clock.now = 61.0
    assert pulse.alive() == pulse.ready() == (False, "the loop has not turned for 61 s")


def test_a_worker_that_waits_is_alive_and_says_what_for() -> None:
    pulse = Pulse()
    pulse.turn(joined=True)
    with pulse.attempts():
        pulse.wait_for("the disk is full")
        assert pulse.alive() == (True, "the loop turns")
        assert pulse.ready() == (False, "waiting: the disk is full")
    assert pulse.ready() == (True, "the loop turns")


def test_what_is_waited_for_inside_of_another_wait_leaves_that_as_it_was() -> None:
    pulse = Pulse()
    pulse.turn(joined=True)
    pulse.wait_for("the disk is full")
    with pulse.attempts():
        pulse.wait_for("Kafka does not answer")
    assert pulse.ready() == (False, "waiting: the disk is full")
    pulse.wait_for(None)
    assert pulse.ready() == (True, "the loop turns")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 503),
        ("GET", "/metrics", 200),
        ("GET", "/", 404),
        ("GET", "/healthz/../x", 404),
        ("POST", "/healthz", 501),
    ],
)
def test_the_server_answers_only_the_paths_it_has(method: str, path: str, status: int) -> None:
    with served(Pulse(), 0) as port:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request(method, path)
        response = connection.getresponse()
        response.read()
        connection.close()
    assert response.status == status
    assert "Python" not in (response.getheader("Server") or "")
