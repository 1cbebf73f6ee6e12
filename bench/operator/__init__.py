"""The operator's area: a thousand EventConsumers on the kind cluster, beside the plain way to operate them.

Both operators run as processes of this machine against the same API server and the same broker, one after the
other on a fleet of their own. What they cost is counted by those who pay: writes by the API server, requests
by the broker, memory by the kernel.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from kubernetes import client, config

from bench.operator.fleet import Fleet
from bench.operator.load import Load, members
from bench.operator.measure import FIRST, Effort, Scene, measure
from bench.operator.process import operator
from bench.operator.refreshes import logged, measured
from bench.operator.requests import counted_broker
from bench.operator.results import judged
from dev.cluster import Cluster
from dev.run import persistently
from dev.steps import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.operator.measure import Figures
    from bench.operator.process import Operator
    from bench.operator.refreshes import Refreshes
    from bench.table import Row

    Count = Callable[[Operator, int], Refreshes]

SIZE = 1000
OURS = Effort(idle_seconds=300.0, edits=200)
# What the plain operator writes and how long it takes shows sooner.
PLAIN = Effort(idle_seconds=60.0, edits=20)
_DEFINITION = Path(__file__).parents[2] / "crds" / "eventconsumers.yaml"


def rows(_rounds: int, size: int = SIZE) -> list[Row]:
    """Measure our operator and the plain one; each run is minutes long, so there is one of each."""
    cluster = Cluster()
    cluster.prepare()
    existed = cluster.exists()
    cluster.up()
    try:
        with tempfile.TemporaryDirectory() as folder:
            return _measured(cluster, Path(folder), size)
    finally:
        if not existed:
            cluster.delete()


def _measured(cluster: Cluster, folder: Path, size: int) -> list[Row]:
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "--filename", str(_DEFINITION))
    established = ("wait", "--for=condition=Established", "--timeout=60s", "--filename", str(_DEFINITION))
    persistently(lambda: cluster.kubectl(*established), within=30)
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(cluster.kubectl("config", "view", "--minify", "--flatten"))
    config.load_kube_config(str(kubeconfig))  # type: ignore[no-untyped-call]  # untyped client
    with counted_broker() as broker, client.ApiClient() as api:
        load = Load(broker.bootstrap_servers)
        load.make()

        def run(name: str, module: str, refreshes: Count, effort: Effort) -> Figures:
            fleet = Fleet(api, f"bench-{name}", members(FIRST + size, name))
            load.read_all(fleet.members)
            fleet.make_namespace()
            try:
                with operator(
                    [module], kubeconfig=kubeconfig, namespace=fleet.namespace, log=folder / f"{name}.log"
                ) as running:
                    figures = measure(Scene(cluster, broker, load, fleet, running, refreshes), effort)
                    say(f"  {name}: {figures}")
                    return figures
            finally:
                fleet.delete()

        ours = run("ours", "eventconsumer_operator", measured, OURS)
        plain = run("plain", "bench.programs.plain_operator", logged, PLAIN)
    return judged(ours, plain, size)
