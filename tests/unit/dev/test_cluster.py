from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from dev.cluster import DEMO, PORTS, TESTS, Cluster, Step, create_command, kind_config, next_step


@pytest.mark.parametrize(
    ("exists", "running", "whole", "expected"),
    [
        (False, False, False, Step.CREATE),
        (True, False, False, Step.START),
        (True, True, False, Step.RECREATE),
        (True, True, True, Step.NOTHING),
    ],
    ids=["none there", "Docker was stopped", "up was killed half-way", "all is well"],
)
def test_what_is_there_decides_what_is_done(
    *, exists: bool, running: bool, whole: bool, expected: Step
) -> None:
    assert next_step(exists=exists, running=running, whole=whole) is expected


def test_demo_and_tests_share_no_port() -> None:
    demo, tests = PORTS[DEMO], PORTS[TESTS]

    assert not {demo.kafka, demo.task_api} & {tests.kafka, tests.task_api}


@pytest.mark.parametrize("name", [DEMO, TESTS])
def test_the_node_publishes_its_ports_on_this_machine_only(name: str) -> None:
    config = yaml.safe_load(kind_config(PORTS[name]))

    (node,) = config["nodes"]
    assert [port["hostPort"] for port in node["extraPortMappings"]] == [
        PORTS[name].kafka,
        PORTS[name].task_api,
    ]
    for port in node["extraPortMappings"]:
        assert port["containerPort"] == port["hostPort"]
        assert port["listenAddress"] == "127.0.0.1"


def command(image: str | None) -> list[str]:
    words = create_command(
        Path("kind"), "eventconsumer", config=Path("kind.yaml"), kubeconfig=Path("config"), image=image
    )
    return [str(word) for word in words]


def test_without_an_image_of_ours_kind_takes_its_own() -> None:
    assert command(image=None) == [
        *("kind", "create", "cluster", "--name=eventconsumer"),
        *("--config=kind.yaml", "--kubeconfig=config"),
    ]


def test_an_image_of_ours_is_named() -> None:
    assert command(image="eventconsumer-dev/node:v1")[-1] == "--image=eventconsumer-dev/node:v1"


def test_the_demo_is_reached_through_the_users_own_kubeconfig(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/home/me/one:/home/me/two")

    assert Cluster(DEMO).kubeconfig == Path("/home/me/one")
    assert Cluster(TESTS).kubeconfig.name == "eventconsumer-test.kubeconfig"


def test_there_is_no_third_cluster() -> None:
    with pytest.raises(SystemExit, match="eventconsumer, eventconsumer-test"):
        Cluster("production")
