"""The EventConsumer as Python sees it: the same fields as the CRD, proven equal by a contract test.

The API server has validated an object before the operator sees it, so these models only give it types and the
defaults that depend on other fields. Unknown fields are ignored: a newer CRD never breaks an older operator.
"""

from __future__ import annotations

import re
from datetime import datetime  # noqa: TC003  # pydantic needs it when the program runs
from typing import Any, Literal

from pydantic import Field

from eventconsumer_operator.model_base import Model
from eventconsumer_operator.sink_models import Notification  # noqa: TC001  # pydantic needs it when the program runs

Manifest = dict[str, Any]
"""An object of the Kubernetes API as plain JSON."""

NO_EVENT_TYPES: tuple[str, ...] = ()


class TopicRef(Model):
    """A Strimzi KafkaTopic in the same namespace."""

    name: str


class UserRef(Model):
    """A Strimzi KafkaUser in the same namespace."""

    name: str


class KafkaCa(Model):
    """The Secret with the CA of a Kafka's servers."""

    name: str
    key: str = "ca.crt"


class KafkaCertificate(Model):
    """The Secret with the workers' own certificate, of Kubernetes' own type unless told otherwise."""

    name: str
    certificate: str = "tls.crt"
    key: str = "tls.key"


class KafkaTls(Model):
    """How an encrypted connection is checked, by both sides."""

    ca_secret_ref: KafkaCa | None = None
    certificate_secret_ref: KafkaCertificate | None = None


class KafkaPassword(Model):
    """The Secret with a password."""

    name: str
    key: str = "password"


class KafkaUsername(Model):
    """The Secret with a user name."""

    name: str
    key: str = "username"


class KafkaSasl(Model):
    """A login with a user name and a password."""

    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    username: str | None = None
    username_secret_ref: KafkaUsername | None = None
    password_secret_ref: KafkaPassword


class KafkaAddress(Model):
    """A Kafka that Strimzi does not run."""

    bootstrap_servers: str
    topic: str
    tls: KafkaTls | None = None
    sasl: KafkaSasl | None = None


class UrlSecret(Model):
    """The key of a Secret that holds an address with user and password."""

    name: str
    key: str = "uri"


class Postgresql(Model):
    """The database of an audit log."""

    url_secret: UrlSecret


class AuditStorage(Model):
    """Where an audit log is: on a volume, or in a database."""

    size: str = "1Gi"
    storage_class_name: str | None = None
    postgresql: Postgresql | None = None


class Audit(Model):
    """Settings of the audit worker."""

    storage: AuditStorage = AuditStorage()


class Custom(Model):
    """A program of the user's own: an image, a Python function in it, or both."""

    image: str | None = None
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    handler: str | None = None
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()


class Worker(Model):
    """What is run."""

    type: Literal["notification", "audit", "custom"]
    notification: Notification | None = None
    audit: Audit | None = None
    custom: Custom | None = None

    @property
    def storage(self) -> AuditStorage:
        """Return where the audit log is, with defaults where the resource says nothing."""
        return self.audit.storage if self.audit else AuditStorage()

    @property
    def has_volume(self) -> bool:
        """Tell whether the worker keeps something on a volume."""
        return self.type == "audit" and self.storage.postgresql is None


class Backoff(Model):
    """The pauses between attempts, as durations such as 1m30s."""

    initial: str | None = None
    max: str | None = None


class Delivery(Model):
    """How events are given to their handler, and what happens to records that can't be processed."""

    dead_letter_topic: str | None = None
    attempts: int | None = None
    backoff: Backoff = Backoff()
    concurrency: int | None = None


def seconds(duration: str) -> int:
    """Return the seconds of a duration such as 1h30m."""
    size = {"h": 3600, "m": 60, "s": 1}
    return sum(int(number) * size[unit] for number, unit in re.findall(r"([0-9]+)([hms])", duration))


class Scaling(Model):
    """How many workers run, by lag."""

    min: int = 1
    max: int
    target_lag: int = 1000
    scale_down_after: str = "5m"


class Slo(Model):
    """What counts as keeping up."""

    max_lag: int = 100
    max_behind: str | None = None

    @property
    def max_behind_seconds(self) -> int | None:
        """Return the greatest age that is allowed to an unread record; None where none was said."""
        return None if self.max_behind is None else seconds(self.max_behind)


class Template(Model):
    """What the workers' pods get besides; Kubernetes' own fields, handed on as they are."""

    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    env: list[Manifest] = Field(default_factory=list)
    resources: Manifest = Field(default_factory=dict)
    node_selector: dict[str, str] = Field(default_factory=dict)
    tolerations: list[Manifest] = Field(default_factory=list)
    affinity: Manifest = Field(default_factory=dict)
    service_account_name: str | None = None
    image_pull_secrets: list[Manifest] = Field(default_factory=list)


class Spec(Model):
    """What the user asks for."""

    topic_ref: TopicRef | None = None
    kafka: KafkaAddress | None = None
    listener: str | None = None
    user_ref: UserRef | None = None
    group_id: str | None = None
    worker: Worker
    event_types: tuple[str, ...] = NO_EVENT_TYPES
    replicas: int = 1
    scaling: Scaling | None = None
    paused: bool = False
    delivery: Delivery = Delivery()
    start_from: Literal["earliest", "latest"] = "earliest"
    deletion_policy: Literal["Retain", "Delete"] = "Retain"
    template: Template = Template()
    slo: Slo = Slo()


class Metadata(Model):
    """The part of an object's metadata that decisions need."""

    name: str
    namespace: str
    uid: str
    generation: int = 1
    deletion_timestamp: datetime | None = None


class EventConsumer(Model):
    """One resource."""

    metadata: Metadata
    spec: Spec

    @property
    def group_id(self) -> str:
        """Return the consumer group: the one the spec names, or the resource's own name."""
        return self.spec.group_id or self.metadata.name

    def dead_letter_topic(self, topic: str) -> str:
        """Return where records go that can't be processed."""
        return self.spec.delivery.dead_letter_topic or f"{topic}-dlq"
