"""Lives of tasks that nobody thought of: Hypothesis sends what callers may, a model says what comes back.

One app serves all lives on a database; each has an owner of its own, so none sees the tasks of another. Kafka
is away, so all events are in the outbox.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from eventconsumer_api.storage.database import Database
from eventconsumer_api.storage.tables import outbox
from tests.support.running_api import running_on

if TYPE_CHECKING:
    from pathlib import Path

    from httpx2 import Response
    from starlette.testclient import TestClient

SETTINGS = settings(
    max_examples=30,
    stateful_step_count=25,
    derandomize=True,
)
TITLES = st.sampled_from(["Buy groceries", "Buy 100% milk", "Ä_b"])
STATUSES = st.sampled_from(["pending", "in_progress", "completed"])
KEYS = st.sampled_from(["one", "two"])
CONDITIONS = st.sampled_from([None, "*", "this version", "another version", "garbage"])
CHANGES = st.fixed_dictionaries({}, optional={"title": TITLES, "status": STATUSES})


@dataclass
class ModelTask:
    id: str
    title: str
    status: str = "pending"
    version: int = 1


@dataclass
class Walk:
    address: str
    expected: list[str]
    """The tasks that were there when it began, in its order."""
    seen: list[str] = field(default_factory=list)


class LivesOfTasks(RuleBasedStateMachine):
    api: ClassVar[TestClient]
    database: ClassVar[Database]

    tasks = Bundle("tasks")
    walks = Bundle("walks")

    def __init__(self) -> None:
        super().__init__()
        self.owner = str(uuid4())
        self.model: list[ModelTask] = []
        self.events: list[tuple[str, str, str, str]] = []
        self.keys: dict[str, ModelTask] = {}
        self.wanted: dict[str, str] = {}

    @rule(target=tasks, title=TITLES)
    def create(self, title: str) -> ModelTask:
        return self.created(self.post(title))

    @rule(target=tasks, title=TITLES, key=KEYS)
    def create_with_a_key(self, title: str, key: str) -> Any:
        answer = self.post(title, {"Idempotency-Key": f"{self.owner}-{key}"})
        if key not in self.keys:
            self.keys[key], self.wanted[key] = self.created(answer), title
            return self.keys[key]
        if self.wanted[key] == title:
            assert answer.status_code == 201
            self.is_shown(answer, self.keys[key])
        else:
            assert answer.status_code == 422
        return multiple()

    @rule(task=tasks, changes=CHANGES, condition=CONDITIONS)
    def change(self, task: ModelTask, changes: dict[str, str], condition: str | None) -> None:
        answer = self.api.patch(f"/tasks/{task.id}", json=changes, headers=if_match(task, condition))
        self.changes(task, changes, condition, answer)

    @rule(task=tasks, condition=CONDITIONS)
    def complete(self, task: ModelTask, condition: str | None) -> None:
        answer = self.api.post(f"/tasks/{task.id}/complete", headers=if_match(task, condition))
        self.changes(task, {"status": "completed"}, condition, answer)

    @rule(task=tasks)
    def read(self, task: ModelTask) -> None:
        self.is_shown(self.api.get(f"/tasks/{task.id}", headers={"If-None-Match": '"0"'}), task)
        known = self.api.get(f"/tasks/{task.id}", headers={"If-None-Match": f'"{task.version}"'})
        assert (known.status_code, known.content) == (304, b"")

    @rule(target=walks, newest_first=st.booleans(), limit=st.integers(1, 3))
    def begin_to_walk(self, *, newest_first: bool, limit: int) -> Walk:
        order = "newest" if newest_first else "oldest"
        ids = [task.id for task in self.model]
        return Walk(
            f"/tasks?owner={self.owner}&limit={limit}&order={order}", ids[::-1] if newest_first else ids
        )

    @rule(target=walks, walk=consumes(walks))
    def go_on(self, walk: Walk) -> Walk:
        if not walk.address:
            return walk
        page = self.api.get(walk.address)
        walk.seen += [task["id"] for task in page.json()]
        walk.address = page.links.get("next", {}).get("url", "")
        assert len(set(walk.seen)) == len(walk.seen)
        known = [task for task in walk.seen if task in walk.expected]
        assert known == walk.expected[: len(known) if walk.address else None]
        return walk

    @invariant()
    def the_list_and_the_outbox_tell_what_happened(self) -> None:
        listed = self.api.get("/tasks", params={"owner": self.owner, "limit": 200}).json()
        assert [shown(task) for task in listed] == [shown(vars(task)) for task in self.model]
        ids = [task.id for task in self.model]
        with self.database.read() as connection:
            written = connection.execute(
                select(outbox.c.payload).where(outbox.c.aggregateid.in_(ids)).order_by(outbox.c.sequence)
            )
            assert [told(json.loads(event)) for event in written.scalars()] == self.events

    def post(self, title: str, headers: dict[str, str] | None = None) -> Response:
        return self.api.post("/tasks", json={"title": title, "owner_id": self.owner}, headers=headers)

    def created(self, answer: Response) -> ModelTask:
        assert answer.status_code == 201
        task = ModelTask(answer.json()["id"], answer.json()["title"])
        self.is_shown(answer, task)
        self.model.append(task)
        self.events.append((task.id, "task.created", task.title, task.status))
        return task

    def changes(
        self, task: ModelTask, changes: dict[str, str], condition: str | None, answer: Response
    ) -> None:
        if condition in {"another version", "garbage"}:
            assert (answer.status_code, answer.headers["etag"]) == (412, f'"{task.version}"')
            return
        before = shown(vars(task))
        vars(task).update(changes)
        if shown(vars(task)) != before:
            task.version += 1
            completed = task.status == "completed" != before["status"]
            kind = "task.completed" if completed else "task.updated"
            self.events.append((task.id, kind, task.title, task.status))
        assert answer.status_code == 200
        self.is_shown(answer, task)

    def is_shown(self, answer: Response, task: ModelTask) -> None:
        assert shown(answer.json()) == shown(vars(task))
        assert answer.headers["etag"] == f'"{task.version}"'


def shown(task: dict[str, Any]) -> dict[str, Any]:
    return {name: task[name] for name in ("id", "title", "status", "version")}


def told(event: dict[str, Any]) -> tuple[str, str, str, str]:
    data = event["data"]
    return data["task_id"], event["event_type"], data["title"], data["status"]


def if_match(task: ModelTask, condition: str | None) -> dict[str, str]:
    sent = {
        "*": "*",
        "this version": f'"{task.version}"',
        "another version": f'"{task.version + 1}", W/"{task.version}"',
        "garbage": str(task.version),
    }
    return {} if condition is None else {"If-Match": sent[condition]}


def lives_on(database_url: str) -> None:
    """Let tasks live on a database."""
    LivesOfTasks.database = Database(database_url)
    try:
        with running_on(database_url) as LivesOfTasks.api:
            run_state_machine_as_test(LivesOfTasks, settings=SETTINGS)
    finally:
        LivesOfTasks.database.close()


def test_whatever_callers_do_sqlite_has_the_task_and_its_events(tmp_path: Path) -> None:
    lives_on(f"sqlite:///{tmp_path}/tasks.db")


def test_whatever_callers_do_postgresql_has_the_task_and_its_events(database: str) -> None:
    lives_on(database)
