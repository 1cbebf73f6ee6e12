"""A client of the Task API that remembers what it was promised: every task that was answered with 201."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx2

if TYPE_CHECKING:
    from collections.abc import Iterable


class TaskApi:
    """Posts tasks from eight clients at once."""

    def __init__(self, url: str) -> None:
        self._http = httpx2.Client(base_url=url, timeout=30)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def post_tasks(self, titles: Iterable[str]) -> list[tuple[int, str]]:
        """Post one task a title and return each answer's HTTP status and task id."""
        with ThreadPoolExecutor(8) as clients:
            return list(clients.map(self._post, titles))

    def _post(self, title: str) -> tuple[int, str]:
        answer = self._http.post("/tasks", json={"title": title})
        return answer.status_code, str(answer.json().get("id"))
