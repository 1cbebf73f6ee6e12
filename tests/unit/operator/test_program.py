"""A custom worker runs what its resource says, in the image it says or in that of all workers."""

from __future__ import annotations

from typing import Any

import pytest

from eventconsumer_operator.models import Worker
from eventconsumer_operator.pod_template import Image
from eventconsumer_operator.program import program

IMAGE = Image("eventconsumer/workers:0.1.0", "IfNotPresent")


def container(**custom: Any) -> dict[str, Any]:
    fields = program(Worker.model_validate({"type": "custom", "custom": custom}), IMAGE)
    return {name: value for name, value in fields.items() if value}


@pytest.mark.parametrize("kind", ["notification", "audit"])
def test_a_worker_of_ours_is_named_to_the_workers_image(kind: str) -> None:
    worker = Worker.model_validate({"type": kind})
    assert program(worker, IMAGE) == {
        "image": "eventconsumer/workers:0.1.0",
        "imagePullPolicy": "IfNotPresent",
        "args": [kind],
    }


def test_a_handler_is_run_by_the_workers_program_in_the_image_it_comes_in() -> None:
    assert container(image="team/reminders:1", handler="reminders:handle") == {
        "image": "team/reminders:1",
        "args": ["custom", "reminders:handle"],
    }


def test_a_handler_without_an_image_is_in_the_image_of_all_workers() -> None:
    assert container(handler="reminders:handle") == {
        "image": "eventconsumer/workers:0.1.0",
        "imagePullPolicy": "IfNotPresent",
        "args": ["custom", "reminders:handle"],
    }


def test_an_image_alone_runs_as_it_was_built() -> None:
    assert container(image="team/mailer:2") == {"image": "team/mailer:2"}


def test_command_args_and_pull_policy_are_handed_on() -> None:
    given = {"command": ["/bin/mailer"], "args": ["--fast"], "imagePullPolicy": "Always"}
    assert container(image="team/mailer:2", **given) == {"image": "team/mailer:2", **given}
