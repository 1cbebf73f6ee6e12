"""The stand-in's process: a pass each second, until it is told to stop."""

from __future__ import annotations

import os
import signal
import threading

from kubernetes.client import ApiException
from urllib3.exceptions import HTTPError

from dev.strimzi_standin.cluster import Cluster
from dev.strimzi_standin.passes import Operator

_PASS_SECONDS = 1.0
_CONFLICT = 409


def main() -> None:
    """Run passes; what the API server refuses or does not answer is tried again by the next one."""
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    operator = Operator(Cluster(os.environ["NAMESPACE"]), os.environ["KAFKA_VERSION"])
    print("The stand-in for Strimzi runs.", flush=True)
    while not stopped.wait(_PASS_SECONDS):
        try:
            operator.run_pass()
        except ApiException as error:
            # Somebody changed the resource between our read and our write: no news.
            if error.status != _CONFLICT:
                print(f"Kubernetes refused: {error.status} {error.reason} {error.body}", flush=True)
        except HTTPError as error:
            print(f"Kubernetes is away: {error}", flush=True)


if __name__ == "__main__":
    main()
