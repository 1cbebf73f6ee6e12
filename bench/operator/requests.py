"""How many requests of each kind the broker has answered, as it counts them itself."""

from __future__ import annotations

import os
import re
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dev import kafka, maven
from dev.kafka import LocalBroker
from dev.run import run
from dev.server import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

_JAVA_OPTIONS = "JAVA_TOOL_OPTIONS"
_COUNT = re.compile(r"request=(?P<request>\w+)[^:]*:Count$")


class CountedBroker:
    """A real broker that can be asked what it was asked."""

    def __init__(self, broker: LocalBroker, port: int) -> None:
        self.bootstrap_servers = broker.bootstrap_servers
        self._port = port

    def requests(self) -> Counter[str]:
        """Return the number of requests since the broker's start, by the name of their kind."""
        told = run(
            [
                *(maven.java(), "-cp", f"{kafka.jars()}/*", "org.apache.kafka.tools.JmxTool"),
                *("--jmx-url", f"service:jmx:rmi:///jndi/rmi://127.0.0.1:{self._port}/jmxrmi"),
                *("--object-name", "kafka.network:type=RequestMetrics,name=RequestsPerSec,*"),
                *("--attributes", "Count", "--one-time", "--report-format", "properties"),
            ]
        )
        found: Counter[str] = Counter()
        for line in told.splitlines():
            name, _, value = line.rpartition("=")
            match = _COUNT.search(name)
            if match:
                found[match["request"]] += int(value)
        return found


@contextmanager
def counted_broker() -> Iterator[CountedBroker]:
    """Run a broker whose figures can be read over JMX, on 127.0.0.1 only."""
    [port] = free_ports(1)
    options = (
        "-Dcom.sun.management.jmxremote.authenticate=false -Dcom.sun.management.jmxremote.ssl=false "
        "-Dcom.sun.management.jmxremote.host=127.0.0.1 -Djava.rmi.server.hostname=127.0.0.1 "
        f"-Dcom.sun.management.jmxremote.port={port} -Dcom.sun.management.jmxremote.rmi.port={port}"
    )
    broker = LocalBroker()
    try:
        with _java_options(options):
            broker.start()
        yield CountedBroker(broker, port)
    finally:
        broker.delete()


@contextmanager
def _java_options(options: str) -> Iterator[None]:
    before = os.environ.get(_JAVA_OPTIONS)
    os.environ[_JAVA_OPTIONS] = options
    try:
        yield
    finally:
        del os.environ[_JAVA_OPTIONS]
        if before is not None:
            os.environ[_JAVA_OPTIONS] = before
