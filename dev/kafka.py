"""Kafka without a cluster: its jars by Maven, and one real broker on this machine for tests and benchmarks.

The broker keeps its data and its ports for as long as the object lives, so a test may kill it, freeze it or
start it again as a machine would.
"""

from __future__ import annotations

import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from dev import maven, versions
from dev.cache import cached
from dev.run import run

if TYPE_CHECKING:
    from types import TracebackType

_START_SECONDS = 60.0
_END_SECONDS = 30.0
_SHOWN_CHARACTERS = 4000
# Below the range from which the kernel takes ports for outgoing connections: while the broker is stopped,
# nothing else is given its port by chance.
_PORTS = range(20000, 32000)
# Any UUID in Kafka's notation; a cluster of one node meets no other.
_CLUSTER_ID = "ZXZlbnRjb25zdW1lci1kdg"


def jars() -> Path:
    """Return the folder of Kafka's jars, fetching them first where they are missing."""
    return cached("kafka", versions.KAFKA, _fetch)


def _fetch(folder: Path) -> None:
    kafka = [f"org.apache.kafka:{name}:{versions.KAFKA}" for name in ("kafka_2.13", "kafka-tools")]
    maven.copy_jars([*kafka, f"org.apache.logging.log4j:log4j-slf4j-impl:{versions.LOG4J}"], folder)


class LocalBroker:
    """A single-node Kafka on 127.0.0.1 with its data in a temporary folder."""

    def __init__(self, **settings: str) -> None:
        """Keep ``settings`` (underscores for the dots) for the broker's first start; nothing runs yet."""
        self._own_settings = {name.replace("_", "."): value for name, value in settings.items()}
        self._folder = Path(tempfile.mkdtemp(prefix="eventconsumer-kafka-"))
        self._port, self._controller_port = free_ports(2)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap_servers(self) -> str:
        """The broker's address, the same after every start."""
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start the broker on the data it has, and return once it answers; do nothing where it runs."""
        if self._process is not None:
            return
        config = self._folder / "server.properties"
        if not config.exists():
            self._format(config)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*java_command(jars()), "kafka.Kafka", config],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait_for_answer(self._process)

    def stop(self) -> None:
        """End the broker as a power cut does (SIGKILL)."""
        self._end(signal.SIGKILL)

    def terminate(self) -> None:
        """Let the broker shut down in order (SIGTERM)."""
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Freeze the broker (SIGSTOP): its connections stay open and nothing answers."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen broker go on (SIGCONT)."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def delete(self) -> None:
        """End the broker and remove its data."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.delete()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.delete()

    @property
    def _log(self) -> Path:
        return self._folder / "broker.log"

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
                raise RuntimeError(f"Kafka did not start; its last words:\n{self._last_words()}") from None
            return

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace")[-_SHOWN_CHARACTERS:]

    def _end(self, by: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(by)
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


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


def free_ports(count: int) -> list[int]:
    """Return different ports of 127.0.0.1 on which nothing listens now."""
    found: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise OSError("no free port on 127.0.0.1")


def java_command(folder: Path) -> list[str]:
    """Return the words that run a program of Kafka's from the jars in ``folder``."""
    log_config = Path(__file__).parent / "broker" / "log4j2.xml"
    return [
        *(maven.java(), "-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-Djava.awt.headless=true"),
        *(f"-Dlog4j2.configurationFile={log_config}", "-cp", f"{folder}/*"),
    ]
