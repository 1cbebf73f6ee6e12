"""Kafka without a cluster: its jars by Maven, and one real broker on this machine for tests and benchmarks.

The broker keeps its data and its ports for as long as the object lives, so a test may kill it, freeze it or
start it again as a machine would.
"""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from typing_extensions import override

from dev import maven, versions
from dev.cache import cached
from dev.run import run
from dev.server import OneProcessServer, free_ports

if TYPE_CHECKING:
    import subprocess

_START_SECONDS = 60.0
# Any UUID in Kafka's notation; a cluster of one node meets no other.
_CLUSTER_ID = "ZXZlbnRjb25zdW1lci1kdg"


def jars() -> Path:
    """Return the folder of Kafka's jars, fetching them first where they are missing."""
    return cached("kafka", versions.KAFKA, _fetch)


def _fetch(folder: Path) -> None:
    kafka = [f"org.apache.kafka:{name}:{versions.KAFKA}" for name in ("kafka_2.13", "kafka-tools")]
    maven.copy_jars([*kafka, f"org.apache.logging.log4j:log4j-slf4j-impl:{versions.LOG4J}"], folder)


class LocalBroker(OneProcessServer):
    """A single-node Kafka on 127.0.0.1 with its data in a temporary folder."""

    def __init__(self, **settings: str) -> None:
        """Keep ``settings`` (underscores for the dots) for the broker's first start; nothing runs yet."""
        super().__init__("kafka")
        self._own_settings = {name.replace("_", "."): value for name, value in settings.items()}
        self._port, self._controller_port = free_ports(2)

    @property
    def bootstrap_servers(self) -> str:
        """The broker's address, the same after every start."""
        return f"127.0.0.1:{self._port}"

    @override
    def start(self) -> None:
        """Start the broker on the data it has, and return once it answers; do nothing where it runs."""
        if self._process is not None:
            return
        config = self._folder / "server.properties"
        if not config.exists():
            self._format(config)
        self._process = self._run([*java_command(jars()), "kafka.Kafka", config])
        self._wait_for_answer(self._process)

    def terminate(self) -> None:
        """Let the broker shut down in order (SIGTERM)."""
        self._end(signal.SIGTERM)

    def _format(self, config: Path) -> None:
        fresh = config.with_suffix(".new")
        fresh.write_text(self._properties())
        formatting = ["format", "--standalone", "--ignore-formatted", f"--cluster-id={_CLUSTER_ID}"]
        run([*java_command(jars()), "kafka.tools.StorageTool", *formatting, f"--config={fresh}"])
        fresh.replace(config)

    def _properties(self) -> str:
        own = "".join(f"{name}={value}\n" for name, value in self._own_settings.items())
        return server_properties(self._port, self._controller_port, self._folder / "data") + own

    def _wait_for_answer(self, process: subprocess.Popen[bytes]) -> None:
        admin = AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 0})
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                admin.list_topics(timeout=1)
            except KafkaException:
                if process.poll() is None and time.monotonic() < deadline:
                    continue
                self.stop()
                raise self._did_not_start("Kafka did not start") from None
            return


def server_properties(port: int, controller_port: int, data: Path) -> str:
    """Return the settings of a node that is broker and controller at once, and alone."""
    return f"""\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={data}
{SINGLE_NODE}"""


# A cluster of one node can't replicate, and a group's first rebalance waits for nobody.
# A member may ask for a short session, so that tests which kill it need not wait. The broker's own short one
# lets a killed broker register again within seconds, since its controller remembers the dead one until then.
SINGLE_NODE = """\
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=3
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=3
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=400
"""


def java_command(folder: Path) -> list[str]:
    """Return the words that run a program of Kafka's from the jars in ``folder``."""
    log_config = Path(__file__).parent / "broker" / "log4j2.xml"
    return [
        *(maven.java(), "-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-Djava.awt.headless=true"),
        *(f"-Dlog4j2.configurationFile={log_config}", "-cp", f"{folder}/*"),
    ]
