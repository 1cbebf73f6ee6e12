"""Clients that lead tasks through their lives, whatever becomes of the API, and remember each promise."""

from __future__ import annotations

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Self

import httpx2

if TYPE_CHECKING:
    from collections.abc import Sequence

LIFE = (
    ("task.created", "0"),
    ("task.updated", "1"),
    ("task.updated", "2"),
    ("task.completed", "2"),
)
"""The events of a task's whole life, in their order: type and title."""
_CLIENTS = 6


class TaskLives:
    """Leads tasks through `LIFE` until the end of `with`, each call at any of the APIs.

    A call without an answer may have done its work or not: its task is left alone from there on.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        self.promised: Counter[str] = Counter()
        """How many events each task was promised: one for each call that was answered with 2xx."""
        self._urls = urls
        self._enough = threading.Event()
        self._threads = ThreadPoolExecutor(_CLIENTS)

    def __enter__(self) -> Self:
        self._clients = [self._threads.submit(self._run, number) for number in range(_CLIENTS)]
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        wait(self._clients)
        self._threads.shutdown()
        for client in self._clients:
            client.result()

    def _run(self, number: int) -> None:
        chance = random.Random(number)  # noqa: S311  # no secret
        with httpx2.Client(timeout=10) as http:
            while not self._enough.is_set():
                try:
                    self._lead(http, chance)
                except httpx2.TransportError:
                    self._enough.wait(0.02)

    def _lead(self, http: httpx2.Client, chance: random.Random) -> None:
        answer = http.post(f"{chance.choice(self._urls)}/tasks", json={"title": "0"})
        if not answer.is_success:
            return
        task_id = answer.json()["id"]
        self.promised[task_id] += 1
        for title in ("1", "2"):
            place = f"{chance.choice(self._urls)}/tasks/{task_id}"
            if not http.patch(place, json={"title": title}).is_success:
                return
            self.promised[task_id] += 1
        if http.post(f"{chance.choice(self._urls)}/tasks/{task_id}/complete").is_success:
            self.promised[task_id] += 1
