"""Secrets reach the pods by name, key by key, and are read back from them as they were."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventconsumer_operator import desired, mounts
from eventconsumer_operator.connection import Connection, remembered
from eventconsumer_operator.pod_template import Image
from eventconsumer_operator.security import OPEN, Sasl, SecretKey, Security, Tls
from tests.unit.operator.builders import consumer

IMAGE = Image("eventconsumer/workers:0.1.0", "IfNotPresent")
names = st.text("abcdefghij-", min_size=1, max_size=8)
keys = st.builds(SecretKey, names, names)
certificates = st.one_of(
    st.builds(Tls, st.none() | keys),
    st.builds(Tls, st.none() | keys, keys, keys),
)
logins = st.builds(Sasl, st.sampled_from(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]), names | keys, keys)
protections = st.builds(Security, st.none() | certificates, st.none() | logins)


@given(protections, st.none() | names, st.none() | names)
def test_workers_remember_the_whole_connection_they_were_given(
    security: Security, topic_id: str | None, ca_mark: str | None
) -> None:
    given_ = Connection("kafka:9093", "orders", topic_id, security, ca_mark)
    assert remembered(desired.deployment(consumer(), given_, IMAGE)) == given_


@pytest.mark.parametrize(
    ("security", "protocol"),
    [
        (OPEN, "PLAINTEXT"),
        (Security(Tls()), "SSL"),
        (Security(sasl=Sasl("PLAIN", "me", SecretKey("s", "p"))), "SASL_PLAINTEXT"),
        (Security(Tls(), Sasl("PLAIN", "me", SecretKey("s", "p"))), "SASL_SSL"),
    ],
)
def test_a_protection_has_kafka_s_name(security: Security, protocol: str) -> None:
    assert security.protocol == protocol


def test_an_open_connection_mounts_and_says_nothing() -> None:
    assert (mounts.volumes(OPEN), mounts.mounts(OPEN), mounts.variables(OPEN)) == ([], [], {})


def test_pods_mount_only_the_keys_they_need() -> None:
    security = Security(Tls(SecretKey("events-cluster-ca-cert", "ca.crt")))
    assert mounts.volumes(security) == [
        {
            "name": "kafka-ca",
            "projected": {
                "sources": [
                    {
                        "secret": {
                            "name": "events-cluster-ca-cert",
                            "items": [{"key": "ca.crt", "path": "ca.crt"}],
                        }
                    }
                ]
            },
        }
    ]


def test_another_ca_changes_the_pods() -> None:
    one, other = (
        desired.deployment(consumer(), Connection("kafka:9093", "orders", ca_mark=mark), IMAGE)
        for mark in ("one", "other")
    )
    assert desired.fingerprint(one) != desired.fingerprint(other)


def test_the_secrets_that_a_pod_waits_for_are_those_it_mounts() -> None:
    security = Security(Tls(SecretKey("ca", "ca.crt")), Sasl("PLAIN", "me", SecretKey("login", "password")))
    made = desired.deployment(consumer(), Connection("kafka:9093", "orders", security=security), IMAGE)
    assert mounts.secrets(made["spec"]["template"]["spec"]) == {"ca", "login"}
