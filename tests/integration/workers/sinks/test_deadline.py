"""Names are looked up within a time."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest

from eventconsumer_workers.sinks import Unavailable
from eventconsumer_workers.sinks.deadline import addresses


def test_a_name_has_its_addresses() -> None:
    assert "127.0.0.1" in addresses("localhost", 443, time.monotonic() + 5)


@pytest.mark.parametrize("name", ["nowhere.invalid", "x" * 64 + ".invalid"])
def test_a_name_without_an_address_is_unavailable(name: str) -> None:
    with pytest.raises(Unavailable, match=rf"{name} can't be resolved"):
        addresses(name, 443, time.monotonic() + 30)


def test_a_resolver_without_an_answer_is_left_when_the_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def hang(*_: Any, **__: Any) -> list[Any]:
        over.wait(30)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    began = time.monotonic()
    with pytest.raises(Unavailable, match="not resolved in time"):
        addresses("slow.test", 443, began + 0.2)
    over.set()
    assert time.monotonic() - began < 10
