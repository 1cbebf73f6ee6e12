"""Open an audit log and ask where each partition goes on; print how many milliseconds that took."""

from __future__ import annotations

import os
import time
from pathlib import Path

from eventconsumer_workers.audit.log import AuditLog


def main() -> None:
    """Open the log once."""
    topic = os.environ["KAFKA_TOPIC"]
    started = time.perf_counter()
    log = AuditLog(Path(os.environ["AUDIT_LOG_PATH"]), topic)
    places = [log.next_offset(partition, None) for partition in range(3)]
    seconds = time.perf_counter() - started
    if len(log) != int(os.environ["BENCH_MESSAGES"]) or None in places:
        raise RuntimeError(f"the log has {len(log)} records and goes on at {places}")
    log.close()
    print(seconds * 1000)


if __name__ == "__main__":
    main()
