"""The Task API as the chart installs it: with SQLite or PostgreSQL, guarded as its values say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.test_chart import render

if TYPE_CHECKING:
    from dev.cluster import Cluster

OPEN = ("--set=taskApi.enabled=true", "--set=taskApi.auth.schemes={none}")
JWKS_ITEM = {"key": "jwks.json", "path": "jwks.json"}
POSTGRESQL = "--set=taskApi.database.postgresql.urlSecret.name=tasks-database"
JWT = (
    "--set=taskApi.enabled=true",
    "--set=taskApi.auth.schemes={jwt}",
    "--set=taskApi.auth.jwt.issuer=https://id.example",
    "--set=taskApi.auth.jwt.audience=task-api",
)


def task_api(cluster: Cluster, *words: str) -> dict[str, dict[str, Any]]:
    """Render the chart and return the Task API's objects by kind."""
    return {each["kind"]: each for each in render(cluster, *words) if each["metadata"]["name"] == "task-api"}


def environment(objects: dict[str, dict[str, Any]]) -> dict[str, Any]:
    [container] = objects["Deployment"]["spec"]["template"]["spec"]["containers"]
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in container["env"]}


def test_by_default_there_is_none(cluster: Cluster) -> None:
    assert task_api(cluster) == {}


@pytest.mark.parametrize("enabled", ["taskApi", "demo"])
def test_who_may_call_has_to_be_said(cluster: Cluster, enabled: str) -> None:
    with pytest.raises(Exception, match=r"taskApi\.auth\.schemes: say how callers prove who they are"):
        render(cluster, f"--set={enabled}.enabled=true")


def test_on_sqlite_one_pod_owns_the_volume(cluster: Cluster) -> None:
    objects = task_api(cluster, *OPEN)
    assert objects.keys() == {"Deployment", "Service", "PersistentVolumeClaim"}
    assert objects["Deployment"]["spec"]["strategy"] == {"type": "Recreate"}
    assert environment(objects)["DATABASE_URL"] == "sqlite:////var/lib/task-api/tasks.db"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("null", {}), ('""', {"storageClassName": ""}), ('"fast"', {"storageClassName": "fast"})],
)
def test_the_volume_has_the_class_that_was_said_or_none_or_the_default(
    cluster: Cluster, value: str, expected: dict[str, str]
) -> None:
    objects = task_api(cluster, *OPEN, f"--set-json=taskApi.database.sqlite.storageClassName={value}")
    claim = objects["PersistentVolumeClaim"]["spec"]
    assert {name: claim[name] for name in claim if name == "storageClassName"} == expected


def test_on_postgresql_replicas_are_spread_updated_and_drained_one_at_a_time(cluster: Cluster) -> None:
    objects = task_api(cluster, *OPEN, POSTGRESQL, "--set=taskApi.replicas=2")
    assert objects.keys() == {"Deployment", "Service", "PodDisruptionBudget"}
    deployment = objects["Deployment"]["spec"]
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert deployment["template"]["spec"]["topologySpreadConstraints"]
    secret = {"secretKeyRef": {"name": "tasks-database", "key": "url"}}
    assert environment(objects)["DATABASE_URL"] == secret


def test_its_pods_are_restricted_and_have_no_token(cluster: Cluster) -> None:
    pod = task_api(cluster, *OPEN)["Deployment"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert pod["automountServiceAccountToken"] is False
    assert (pod["securityContext"]["runAsNonRoot"], "serviceAccountName" in pod) == (True, False)
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_the_provider_s_keys_come_from_a_url_or_a_secret(cluster: Cluster) -> None:
    by_url = task_api(cluster, *JWT, "--set=taskApi.auth.jwt.jwksUrl=https://id.example/keys")
    by_secret = task_api(cluster, *JWT, "--set=taskApi.auth.jwt.jwksSecret.name=keys")
    assert environment(by_url)["JWT_JWKS_URL"] == "https://id.example/keys"
    assert environment(by_secret)["JWT_JWKS_FILE"] == "/etc/task-api/jwks/jwks.json"
    volumes = by_secret["Deployment"]["spec"]["template"]["spec"]["volumes"]
    assert {"name": "jwks", "secret": {"secretName": "keys", "items": [JWKS_ITEM]}} in volumes


def test_a_login_at_kafka_is_mounted_from_secrets_and_never_in_the_environment(cluster: Cluster) -> None:
    words = [
        *("--set=taskApi.kafka.tls.enabled=true", "--set=taskApi.kafka.tls.caSecret.name=events-ca"),
        *("--set=taskApi.kafka.sasl.mechanism=SCRAM-SHA-512", "--set=taskApi.kafka.sasl.username=task-api"),
        "--set=taskApi.kafka.sasl.passwordSecret.name=task-api",
    ]
    objects = task_api(cluster, *OPEN, *words)
    pod = objects["Deployment"]["spec"]["template"]["spec"]
    told = environment(objects)
    files = {
        f"{mount['mountPath']}/{item['path']}"
        for volume in pod["volumes"]
        for mount in pod["containers"][0]["volumeMounts"]
        if volume["name"] == mount["name"] and "secret" in volume
        for item in volume["secret"]["items"]
    }
    assert told["KAFKA_SECURITY_PROTOCOL"] == "SASL_SSL"
    assert {told["KAFKA_CA_LOCATION"], told["KAFKA_SASL_PASSWORD_FILE"]} == files


def test_monitor_and_policy_are_there_where_asked_for(cluster: Cluster) -> None:
    words = [
        "--set=taskApi.metrics.serviceMonitor.enabled=true",
        "--set=taskApi.networkPolicy.enabled=true",
        "--set=taskApi.networkPolicy.egress[0].ports[0].port=5432",
    ]
    objects = task_api(cluster, *OPEN, *words)
    [endpoint] = objects["ServiceMonitor"]["spec"]["endpoints"]
    assert endpoint["port"] == objects["Service"]["spec"]["ports"][0]["name"]
    policy = objects["NetworkPolicy"]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert [port["port"] for rule in policy["egress"] for port in rule["ports"]] == [53, 53, 5432]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ([*OPEN, "--set=taskApi.replicas=2"], "/taskApi/database/postgresql/urlSecret/name"),
        ([*OPEN, "--set=taskApi.replicas=0"], "/taskApi/replicas"),
        (["--set=taskApi.auth.schemes={none,api_key}"], "/taskApi/auth/schemes"),
        (["--set=taskApi.auth.schemes={password}"], "/taskApi/auth/schemes"),
        (["--set=taskApi.auth.schemes={jwt}"], "/taskApi/auth/jwt/issuer"),
        ([*JWT], "/taskApi/auth/jwt/jwksUrl"),
        (["--set=taskApi.corsOrigins={*}"], "/taskApi/corsOrigins/0"),
        (["--set=taskApi.kafka.sasl.mechanism=PLAIN"], "/taskApi/kafka/sasl/username"),
        (["--set=taskApi.kafka.tls.certificateSecret=me"], "/taskApi/kafka/tls/certificateSecret"),
        (["--set=taskApi.rateLimit=many"], "/taskApi/rateLimit"),
        (["--set=taskApi.env[0].value=x"], "/taskApi/env/0"),
    ],
)
def test_nonsense_is_refused_by_name(cluster: Cluster, words: list[str], named: str) -> None:
    with pytest.raises(Exception, match=named):
        render(cluster, *words)
