"""One operator's whole run over a fleet: from the first EventConsumer made to the last edit seen."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.operator import api_server
from bench.operator.load import SETTLING_SECONDS, TREMBLE_SECONDS
from dev.steps import step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.operator.fleet import Fleet
    from bench.operator.load import Load, Member
    from bench.operator.process import Operator
    from bench.operator.refreshes import Refreshes
    from bench.operator.requests import CountedBroker
    from dev.cluster import Cluster

FIRST = 20
"""How many EventConsumers are made before the fleet, to warm up."""
_LONGEST_SECONDS = 600.0
_LOOK_SECONDS = 0.5
_QUIET_SECONDS = 20.0
_NOISE_SECONDS = 60.0
_LOOKS = 10
"""How often a moment between two refreshes is looked for."""
_BROKERS_OWN = frozenset({"BrokerHeartbeat", "Fetch", "FetchSnapshot"})


@dataclass(frozen=True)
class Figures:
    """What one operator cost over its run."""

    made_seconds: float
    writes_each: float
    idle_writes_a_minute: float
    refresh_seconds: float
    requests_each_refresh: float
    list_offsets_each_refresh: float
    noise_patches_a_minute: float
    noise_patched_share: float
    """How much of the fleet was patched for each refresh of its lag."""
    edit_p99_seconds: float
    memory: int
    memory_each: float


@dataclass(frozen=True)
class Idle:
    """What an operator does while nothing happens; requests are those of one refresh."""

    writes_a_minute: float
    refresh_seconds: float
    requests: float
    list_offsets: float


@dataclass(frozen=True)
class Effort:
    """How long an operator is looked at."""

    idle_seconds: float
    edits: int


@dataclass(frozen=True)
class Scene:
    """Everything that a measurement looks at."""

    cluster: Cluster
    broker: CountedBroker
    load: Load
    fleet: Fleet
    operator: Operator
    refreshes: Callable[[Operator, int], Refreshes]

    def refreshed(self) -> Refreshes:
        """Return how often the operator has looked at the whole fleet."""
        return self.refreshes(self.operator, len(self.fleet.members))

    def asked(self) -> Counter[str]:
        """Return what the broker was asked, but for what it asks itself."""
        requests = self.broker.requests()
        return Counter({name: count for name, count in requests.items() if name not in _BROKERS_OWN})


def measure(scene: Scene, effort: Effort) -> Figures:
    """Take an operator through the fleet's life."""
    fleet, load, operator = scene.fleet, scene.load, scene.operator
    # What a first resource makes an operator load and connect to is no cost of the thousandth.
    first, rest = fleet.members[:FIRST], fleet.members[FIRST:]
    _made(scene, first)
    _settle(scene)
    warm, before = operator.memory(), api_server.writes(scene.cluster)
    with step(f"{len(rest):,} EventConsumers"):
        made_seconds = _made(scene, rest)
    _settle(scene)
    made = api_server.writes(scene.cluster).since(before)
    with step(f"Idle for {effort.idle_seconds:.0f} s"):
        idle = _idle(scene, effort.idle_seconds)
    with step("Everybody falls behind"):
        load.fall_behind()
        # That the oldest unread record grows older is no noise, nor what is written of it a little later.
        _noise(scene, seconds=SETTLING_SECONDS + _NOISE_SECONDS)
    with step("Lag that trembles"):
        patches, share = _noise(scene, seconds=_NOISE_SECONDS)
    with step(f"{effort.edits} edits"):
        took = sorted(fleet.edit(member, "yes") for member in fleet.members[: effort.edits])
    memory = operator.memory()
    load.read_all(fleet.members)
    return Figures(
        made_seconds=made_seconds,
        # The fleet's own making is no write of the operator's.
        writes_each=made.all / len(rest) - 1,
        idle_writes_a_minute=idle.writes_a_minute,
        refresh_seconds=idle.refresh_seconds,
        requests_each_refresh=idle.requests,
        list_offsets_each_refresh=idle.list_offsets,
        noise_patches_a_minute=patches,
        noise_patched_share=share,
        edit_p99_seconds=took[int(len(took) * 0.99)],
        memory=memory,
        memory_each=(memory - warm) / len(rest),
    )


def _made(scene: Scene, members: Sequence[Member]) -> float:
    started = time.perf_counter()
    scene.fleet.make(members, scene.broker.bootstrap_servers)
    waiting = scene.fleet.incomplete(members)
    while waiting:
        scene.operator.memory()  # It raises where the operator has ended.
        if time.perf_counter() - started > _LONGEST_SECONDS:
            raise TimeoutError(f"{len(waiting)} are not complete after {_LONGEST_SECONDS:.0f} s")
        time.sleep(_LOOK_SECONDS)
        # To list a thousand resources at each look would be a good part of the API server's load.
        if scene.fleet.lag_is_known(waiting[-1]):
            waiting = scene.fleet.incomplete(members)
    return time.perf_counter() - started


def _settle(scene: Scene) -> None:
    """Wait until nothing is written for a while; an operator that never rests is waited for a minute."""
    deadline = time.monotonic() + 3 * _QUIET_SECONDS
    count = api_server.writes(scene.cluster)
    quiet_since = time.monotonic()
    while time.monotonic() < min(deadline, quiet_since + _QUIET_SECONDS):
        time.sleep(2)
        now = api_server.writes(scene.cluster)
        if now != count:
            count, quiet_since = now, time.monotonic()


def _idle(scene: Scene, seconds: float) -> Idle:
    """Look at an operator while nothing happens."""
    refreshed, requests = _between_refreshes(scene)
    writes, started = api_server.writes(scene.cluster), time.monotonic()
    time.sleep(seconds)
    written = api_server.writes(scene.cluster).since(writes)
    minutes = (time.monotonic() - started) / 60
    refreshed_then, requests_then = _between_refreshes(scene)
    refreshes, asked = refreshed_then.since(refreshed), requests_then - requests
    return Idle(
        writes_a_minute=written.all / minutes,
        refresh_seconds=refreshes.seconds / refreshes.count,
        requests=asked.total() / refreshes.count,
        list_offsets=asked["ListOffsets"] / refreshes.count,
    )


def _between_refreshes(scene: Scene) -> tuple[Refreshes, Counter[str]]:
    """Return the refreshes so far and the broker's requests, while the operator asks nothing.

    So requests are divided by the very refreshes that made them. An operator that never rests is taken as it
    is: what one more or less of its many refreshes asked does not count.
    """
    requests, refreshed = scene.asked(), scene.refreshed()
    for _ in range(_LOOKS):
        before = requests, refreshed
        requests, refreshed = scene.asked(), scene.refreshed()
        if (requests, refreshed) == before:
            break
    return refreshed, requests


def _noise(scene: Scene, *, seconds: float) -> tuple[float, float]:
    """Let every lag move by at most five per cent; return the patches a minute, and their share a refresh."""
    before, refreshed, started = api_server.writes(scene.cluster), scene.refreshed(), time.monotonic()
    while time.monotonic() - started < seconds:
        next_time = time.monotonic() + TREMBLE_SECONDS
        scene.load.tremble(scene.fleet.members)
        time.sleep(max(0.0, next_time - time.monotonic()))
    minutes = (time.monotonic() - started) / 60
    patches = api_server.writes(scene.cluster).since(before).statuses
    refreshes = scene.refreshed().since(refreshed).count
    return patches / minutes, patches / refreshes / len(scene.fleet.members)
