"""The smallest adapter of external.metrics.k8s.io: it runs in a pod and reads the operator's /metrics.

It stands for what a team has there, such as prometheus-adapter or KEDA: an autoscaler asks the API server for
a metric by name and labels, and the API server asks here. A series that the operator does not tell is no
value.
"""

from __future__ import annotations

import json
import ssl
import sys
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

GROUP_VERSION = "external.metrics.k8s.io/v1beta1"


def values(told: str, metric: str, labels: dict[str, str]) -> list[dict[str, Any]]:
    """Return the samples of one metric that have these labels, as the API writes them."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return [
        {
            "metricName": metric,
            "metricLabels": sample.labels,
            "timestamp": now,
            "value": str(int(sample.value)),
        }
        for family in text_string_to_metric_families(told)
        for sample in family.samples
        if sample.name == metric and labels.items() <= sample.labels.items()
    ]


class Adapter(BaseHTTPRequestHandler):
    """Answers the API server."""

    protocol_version = "HTTP/1.1"
    source = ""

    def do_GET(self) -> None:
        """Say what there is, or the values of one metric in one namespace."""
        asked = urlsplit(self.path)
        _, _, below = asked.path.partition(f"/apis/{GROUP_VERSION}")
        answer: dict[str, Any]
        if not below:
            answer = {
                "kind": "APIResourceList",
                "apiVersion": "v1",
                "groupVersion": GROUP_VERSION,
                "resources": [],
            }
        else:
            _, _, namespace, metric = below.split("/")
            selector = parse_qs(asked.query).get("labelSelector", [""])[0]
            labels = dict(pair.split("=") for pair in selector.split(",") if pair)
            with urlopen(self.source, timeout=5) as response:  # noqa: S310  # the test says where
                told = response.read().decode()
            items = values(told, metric, labels | {"namespace": namespace})
            answer = {
                "kind": "ExternalMetricValueList",
                "apiVersion": GROUP_VERSION,
                "metadata": {},
                "items": items,
            }
        self._say(json.dumps(answer).encode())

    def _say(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(source: str, folder: Path) -> None:
    """Serve what ``source`` tells, with the certificate in ``folder``."""
    Adapter.source = source
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    server = ThreadingHTTPServer(("0.0.0.0", 8443), Adapter)  # noqa: S104  # a Service leads here
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
