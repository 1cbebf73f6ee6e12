"""Kafka Connect without a cluster: one worker with Debezium's connector for PostgreSQL, for tests.

The worker is Kafka's own, from its jars; the connector is the plugin that Debezium publishes. Both come by
Maven, once.
"""

from __future__ import annotations

import json
import signal
import time
import urllib.request
from typing import TYPE_CHECKING

from typing_extensions import override

from dev import kafka, maven, versions
from dev.cache import cached
from dev.server import OneProcessServer, free_ports

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_START_SECONDS = 180.0


def jars() -> Path:
    """Return the folder of Kafka Connect's jars, fetching them first where they are missing."""
    return cached("kafka-connect", versions.KAFKA, _fetch)


def debezium() -> Path:
    """Return the folder that holds Debezium's plugin for PostgreSQL, fetching it where it is missing."""
    return cached("debezium-postgres", versions.DEBEZIUM, _fetch_debezium)


def _fetch(folder: Path) -> None:
    connect = f"org.apache.kafka:connect-runtime:{versions.KAFKA}"
    maven.copy_jars([connect, f"org.apache.logging.log4j:log4j-slf4j-impl:{versions.LOG4J}"], folder)


def _fetch_debezium(folder: Path) -> None:
    maven.unpack(f"io.debezium:debezium-connector-postgres:{versions.DEBEZIUM}:tar.gz:plugin", folder)


class LocalConnect(OneProcessServer):
    """A Kafka Connect worker on 127.0.0.1 that runs one connector."""

    def __init__(self, bootstrap_servers: str, connector: Mapping[str, object]) -> None:
        """Keep the connector, ``name`` and ``config`` as Connect's REST API takes them; nothing runs yet."""
        super().__init__("connect")
        (self._port,) = free_ports(1)
        self._name = connector["name"]
        (self._folder / "connector.json").write_text(json.dumps(connector))
        (self._folder / "worker.properties").write_text(
            worker_properties(bootstrap_servers, self._port, self._folder / "offsets")
        )

    @override
    def start(self) -> None:
        """Start the worker where its connector stopped, and return once the connector's task runs."""
        if self._process is not None:
            return
        command = [*kafka.java_command(jars()), "org.apache.kafka.connect.cli.ConnectStandalone"]
        settings = (self._folder / "worker.properties", self._folder / "connector.json")
        self._process = self._run([*command, *settings])
        deadline = time.monotonic() + _START_SECONDS
        while (state := self._state()) != "RUNNING":
            if state == "FAILED" or self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise self._did_not_start("Kafka Connect did not start")
            time.sleep(0.2)

    @override
    def stop(self) -> None:
        """Let the worker shut down in order (SIGTERM)."""
        self._end(signal.SIGTERM)

    def _state(self) -> str:
        """Return the state of the connector's one task, empty as long as there is none."""
        address = f"http://127.0.0.1:{self._port}/connectors/{self._name}/status"
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                tasks = json.load(answer)["tasks"]
        except OSError:
            return ""
        return str(tasks[0]["state"]) if tasks else ""


def worker_properties(bootstrap_servers: str, port: int, offsets: Path) -> str:
    """Return the settings of a worker by itself, which notes in a file how far its connector is."""
    return f"""\
bootstrap.servers={bootstrap_servers}
listeners=http://127.0.0.1:{port}
plugin.path={debezium()}
plugin.discovery=service_load
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.storage.StringConverter
offset.storage.file.filename={offsets}
offset.flush.interval.ms=1000
"""
