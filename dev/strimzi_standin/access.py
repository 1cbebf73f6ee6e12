"""Who may do what in one Kafka cluster, and with which password: what is there, and how it is changed."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # re-exported without saying so
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from dev.strimzi_standin.users import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from concurrent.futures import Future
    from typing import Any

    from confluent_kafka.admin import AdminClient

_SECONDS = 5.0
_ITERATIONS = 4096
_PREFIX = "User:"
_RESOURCES = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "cluster": ResourceType.BROKER,
    "transactionalId": ResourceType.TRANSACTIONAL_ID,
}
_PATTERNS = {"literal": ResourcePatternType.LITERAL, "prefix": ResourcePatternType.PREFIXED}
_PERMISSIONS = {"allow": AclPermissionType.ALLOW, "deny": AclPermissionType.DENY}
_OPERATIONS = {
    "All": AclOperation.ALL,
    "Alter": AclOperation.ALTER,
    "AlterConfigs": AclOperation.ALTER_CONFIGS,
    "ClusterAction": AclOperation.CLUSTER_ACTION,
    "Create": AclOperation.CREATE,
    "Delete": AclOperation.DELETE,
    "Describe": AclOperation.DESCRIBE,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
    "IdempotentWrite": AclOperation.IDEMPOTENT_WRITE,
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
}


class Access:
    """The ACLs and passwords of one cluster; every call raises KafkaException where the broker refuses."""

    def __init__(self, admin: AdminClient) -> None:
        self._admin = admin

    def rules(self) -> Mapping[str, frozenset[Rule]]:
        """Return the ACLs of every user that has any."""
        anything: tuple[Any, ...] = (
            *(ResourceType.ANY, None, ResourcePatternType.ANY, None, None),
            *(AclOperation.ANY, AclPermissionType.ANY),
        )
        found = defaultdict(set)
        for acl in self._admin.describe_acls(AclBindingFilter(*anything), request_timeout=_SECONDS).result():
            found[str(acl.principal).removeprefix(_PREFIX)].add(_rule(acl))
        return {user: frozenset(rules) for user, rules in found.items()}

    def change(self, user: str, *, add: Iterable[Rule], remove: Iterable[Rule]) -> None:
        """Give a user some ACLs, then take others from it."""
        added = [AclBinding(*_place(user, rule)) for rule in add]
        if added:
            _all(self._admin.create_acls(added, request_timeout=_SECONDS))
        removed = [AclBindingFilter(*_place(user, rule)) for rule in remove]
        if removed:
            _all(self._admin.delete_acls(removed, request_timeout=_SECONDS))

    def users_with_password(self) -> set[str]:
        """Return the users that can prove themselves by a password."""
        described: Any = self._admin.describe_user_scram_credentials(request_timeout=_SECONDS)
        return set(described.result())

    def set_password(self, user: str, password: str) -> None:
        """Give a user its password, in place of any other."""
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, _ITERATIONS)
        change = UserScramCredentialUpsertion(user, info, password.encode())
        _all(self._admin.alter_user_scram_credentials([change], request_timeout=_SECONDS))

    def remove_password(self, user: str) -> None:
        """Take a user's password away."""
        change = UserScramCredentialDeletion(user, ScramMechanism.SCRAM_SHA_512)
        _all(self._admin.alter_user_scram_credentials([change], request_timeout=_SECONDS))


def _place(
    user: str, rule: Rule
) -> tuple[ResourceType, str, ResourcePatternType, str, str, AclOperation, AclPermissionType]:
    return (
        *(_RESOURCES[rule.resource], rule.name, _PATTERNS[rule.pattern], _PREFIX + user, rule.host),
        *(_OPERATIONS[rule.operation], _PERMISSIONS[rule.permission]),
    )


def _rule(acl: AclBinding) -> Rule:
    return Rule(
        resource=_word(_RESOURCES, acl.restype),
        name=acl.name,
        pattern=_word(_PATTERNS, acl.resource_pattern_type),
        host=acl.host,
        operation=_word(_OPERATIONS, acl.operation),
        permission=_word(_PERMISSIONS, acl.permission_type),
    )


def _word(words: Mapping[str, object], meaning: object) -> str:
    return next(word for word, known in words.items() if known == meaning)


def _all(futures: Mapping[Any, Future[Any]]) -> None:
    for future in futures.values():
        future.result()
