"""Ids are random, and no two of them are the same: not between threads, and not between processes.

Those of what is stored begin with the time.
"""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import RFC_4122

from eventconsumer_api.ids import new_id, new_ordered_id

FORK = """
import os
from eventconsumer_api.ids import new_id
new_id()
child = os.fork()
os.write(1, "".join(f"{new_id()}\\n" for _ in range(100)).encode())
if child:
    os.waitpid(child, 0)
"""


def test_each_id_is_a_random_uuid_of_its_own() -> None:
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: new_id(), range(2000)))
    assert len(set(found)) == 2000
    assert {made.version for made in found} == {4}


def test_an_ordered_id_begins_with_its_millisecond_and_is_random_behind_it() -> None:
    before = time.time_ns() // 1_000_000
    found = [new_ordered_id() for _ in range(2000)]
    after = time.time_ns() // 1_000_000
    assert all(before <= made.int >> 80 <= after for made in found)
    assert {(made.version, made.variant) for made in found} == {(7, RFC_4122)}
    assert len({made.int & 0x3FFF_FFFF_FFFF_FFFF for made in found}) == 2000


def test_a_forked_process_draws_other_ids() -> None:
    said = subprocess.run([sys.executable, "-c", FORK], check=True, capture_output=True, text=True)
    assert len(set(said.stdout.split())) == 200
