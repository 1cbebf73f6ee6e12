"""What Strimzi's User Operator does: a Secret, ACLs and a password for each KafkaUser, none for others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.strimzi_standin import users
from dev.strimzi_standin.topics import Problem, deleting, paused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dev.strimzi_standin.access import Access
    from dev.strimzi_standin.authorities import Authority
    from dev.strimzi_standin.cluster import Cluster
    from dev.strimzi_standin.secret import Secret
    from dev.strimzi_standin.topics import Manifest
    from dev.strimzi_standin.users import Rule

PLURAL = "kafkausers"


class UserOperator:
    """Brings the KafkaUsers of one Kafka cluster about; it remembers the passwords that it has set."""

    def __init__(self, cluster: Cluster, access: Access) -> None:
        self._cluster = cluster
        self._access = access
        self._passwords: dict[str, str] = {}

    def run_pass(
        self, resources: Iterable[Manifest], clients: Authority, secrets: Mapping[str, Secret], *, now: str
    ) -> None:
        """Bring every KafkaUser one step closer to what it asks for, and forget users that are gone."""
        present = [user for user in resources if not deleting(user)]
        given, known = self._access.rules(), self._access.users_with_password()
        for user in present:
            problem = None if paused(user) else self._user(user, clients, secrets, (given, known))
            status = users.status(user, problem, now=now)
            if status != user.get("status", {}):
                self._cluster.write_status(PLURAL, user, status)
        self._forget(present, given, known)

    def _user(
        self,
        user: Manifest,
        clients: Authority,
        secrets: Mapping[str, Secret],
        there: tuple[Mapping[str, frozenset[Rule]], set[str]],
    ) -> Problem | None:
        given, known = there
        name = users.username(user)
        wanted = users.secret(user, clients, secrets)
        if isinstance(wanted, Problem):
            return wanted
        if wanted and wanted != secrets.get(wanted.name):
            self._cluster.write_secret(wanted, user)
            print(f"{name}: its Secret is new", flush=True)
        if wanted and (password := wanted.data.get("password")):
            self._set_password(name, password, known)
        has, asks = given.get(name, frozenset()), users.rules(user)
        self._access.change(name, add=asks - has, remove=has - asks)
        return None

    def _set_password(self, name: str, password: str, known: set[str]) -> None:
        if name not in known or self._passwords.get(name) != password:
            self._access.set_password(name, password)
            self._passwords[name] = password

    def _forget(
        self, present: Iterable[Manifest], given: Mapping[str, frozenset[Rule]], known: set[str]
    ) -> None:
        names = {users.username(user) for user in present}
        with_password = {
            users.username(user) for user in present if users.authentication(user) == "scram-sha-512"
        }
        for name in given.keys() - names:
            self._access.change(name, add=[], remove=given[name])
            print(f"{name}: its ACLs are gone", flush=True)
        for name in known - with_password:
            self._access.remove_password(name)
            self._passwords.pop(name, None)
            print(f"{name}: its password is gone", flush=True)
