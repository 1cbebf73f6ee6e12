"""The chart as Helm and the API server see it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from eventconsumer_operator.names import NAME_LABEL, WORKER
from tests.e2e.conftest import ROOT

if TYPE_CHECKING:
    from dev.cluster import Cluster
    from tests.support.kubernetes import Kubernetes

CHART = str(ROOT / "charts" / "eventconsumer")


def render(cluster: Cluster, *words: str) -> list[dict[str, Any]]:
    """Render the chart and return its objects."""
    text = cluster.helm("template", "eventconsumer", CHART, "--namespace", "tasks", *words)
    return [document for document in yaml.safe_load_all(text) if document]


def rules(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [rule for each in objects if each["kind"].endswith("Role") for rule in each["rules"]]


def test_it_passes_helms_own_linter(cluster: Cluster) -> None:
    assert "0 chart(s) failed" in cluster.helm("lint", "--strict", CHART)


def test_a_monitor_finds_the_port_that_every_worker_has(cluster: Cluster) -> None:
    objects = render(cluster, "--set", "workers.podMonitor.enabled=true", "--set", "scope=cluster")
    [monitor] = [each for each in objects if each["kind"] == "PodMonitor"]
    assert monitor["spec"]["selector"]["matchLabels"] == {NAME_LABEL: WORKER}
    assert monitor["spec"]["namespaceSelector"] == {"any": True}
    [endpoint] = monitor["spec"]["podMetricsEndpoints"]
    assert (endpoint["port"], endpoint["path"]) == ("health", "/metrics")


def test_by_default_nothing_is_cluster_wide(cluster: Cluster) -> None:
    assert {each["kind"] for each in render(cluster)} == {
        "ServiceAccount",
        "Role",
        "RoleBinding",
        "Deployment",
        "Service",
    }


def test_scope_cluster_gives_a_cluster_role_and_watches_every_namespace(cluster: Cluster) -> None:
    objects = render(cluster, "--set=scope=cluster")

    assert {each["kind"] for each in objects} >= {"ClusterRole", "ClusterRoleBinding"}
    [deployment] = [each for each in objects if each["kind"] == "Deployment"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert {"name": "WATCH_NAMESPACES", "value": ""} in container["env"]


def test_two_operators_are_spread_and_drained_one_at_a_time(cluster: Cluster) -> None:
    objects = render(cluster, "--set=operator.replicas=2")

    assert "PodDisruptionBudget" in {each["kind"] for each in objects}
    [deployment] = [each for each in objects if each["kind"] == "Deployment"]
    assert deployment["spec"]["strategy"]["type"] == "RollingUpdate"
    assert deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]


def test_the_prometheus_operator_is_served_where_asked_for(cluster: Cluster) -> None:
    words = [
        "--set=operator.metrics.serviceMonitor.enabled=true",
        "--set=operator.metrics.alerts.enabled=true",
    ]

    objects = render(cluster, *words)

    assert {each["kind"] for each in objects} >= {"ServiceMonitor", "PrometheusRule"}
    [rules] = [each for each in objects if each["kind"] == "PrometheusRule"]
    told = [rule["annotations"]["summary"] for rule in rules["spec"]["groups"][0]["rules"]]
    assert any("{{ $labels.namespace }}/{{ $labels.name }}" in summary for summary in told)


@pytest.mark.parametrize("scope", ["namespace", "cluster"])
def test_the_operator_has_no_verb_on_secrets_and_no_wildcard(cluster: Cluster, scope: str) -> None:
    for rule in rules(render(cluster, f"--set=scope={scope}")):
        assert not {"secrets", "*"} & {*rule["resources"], *rule["verbs"], *rule["apiGroups"]}


def test_an_unknown_value_is_refused_by_name(cluster: Cluster) -> None:
    with pytest.raises(Exception, match="lagInterval"):
        render(cluster, "--set=operator.lagInterval=5")


def test_every_pod_of_the_namespace_passes_the_restricted_profile(kubernetes: Kubernetes) -> None:
    words = ["label", "namespace", "tasks", "pod-security.kubernetes.io/enforce=restricted", "--overwrite"]

    done = subprocess.run(
        ["kubectl", *words, "--dry-run=server"],
        env=kubernetes.environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "violate" not in done.stderr


def test_helm_test_stores_a_task_and_reads_it_back(cluster: Cluster, kubernetes: Kubernetes) -> None:
    assert kubernetes.list("pods")

    assert "Succeeded" in cluster.helm("test", "eventconsumer", "--namespace", "tasks", "--timeout", "2m")
