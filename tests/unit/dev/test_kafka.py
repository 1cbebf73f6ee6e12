"""What the brokers are told, without starting one."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from dev import kafka, kafka_cluster, maven


@pytest.mark.parametrize(
    ("said", "release"),
    [
        ("openjdk 17.0.15 2025-04-15\nOpenJDK Runtime", 17),
        ("openjdk 21 2023-09-19", 21),
        ("java 11.0.2 2019-01-15 LTS", 11),
        ("", 0),
    ],
)
def test_the_release_of_a_java_is_read_from_what_it_says(said: str, release: int) -> None:
    assert maven.major(said) == release


def test_a_maven_project_names_every_artifact() -> None:
    project = ET.fromstring(maven.project(["g:a:1", "g:b:2"]))  # noqa: S314  # our own text
    names = [element.text for element in project.iter() if element.tag.endswith("artifactId")]
    assert names == ["jars", "a", "b"]


def test_the_local_broker_advertises_where_it_listens() -> None:
    settings = dict(line.split("=", 1) for line in kafka.server_properties(1, 2, Path("/d")).splitlines())
    assert settings["listeners"] == settings["advertised.listeners"]
    assert settings["log.dirs"] == "/d"
    assert settings["auto.create.topics.enable"] == "false"


def test_the_clusters_broker_advertises_the_host_port_it_is_published_at() -> None:
    manifest = kafka_cluster.broker_manifest(31092, "an/image:1", "sha256:1", "certificates")
    config, _, external, broker = yaml.safe_load_all(manifest)
    settings = dict(line.split("=", 1) for line in config["data"]["server.properties"].splitlines())
    advertised = dict(entry.split("://") for entry in settings["advertised.listeners"].split(","))
    assert advertised["EXTERNAL"] == "127.0.0.1:31092"
    assert advertised["PLAIN"] == "events-kafka-bootstrap.tasks.svc:9092"
    assert external["spec"]["ports"][0]["nodePort"] == 31092
    assert broker["spec"]["template"]["spec"]["containers"][0]["image"] == "an/image:1"
    assert settings["group.initial.rebalance.delay.ms"] == "0"
