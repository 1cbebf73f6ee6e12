"""The live page in a real browser, before a real API and a real broker."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx2
import pytest
from selenium.webdriver.common.keys import Keys

from dev.browser import browser
from tests.support.api_process import ApiProcess
from tests.support.broker_client import BrokerClient
from tests.support.eventually import eventually
from tests.support.live_page import CONTROLS, LivePage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from confluent_kafka import Message
    from selenium.webdriver import Chrome

    from dev.kafka import LocalBroker

# An en dash: there is nothing to say, or nothing is known.
NOTHING = "\N{EN DASH}"
# What the browser itself notes of an answer that is an error: the tests ask for those on purpose.
_EXPECTED = "Failed to load resource"


@pytest.fixture(scope="module")
def one_browser() -> Iterator[Chrome]:
    with browser() as chrome:
        yield chrome


@pytest.fixture
def chrome(one_browser: Chrome) -> Iterator[Chrome]:
    """Give the browser, whose console holds no complaint in the end: of scripts, nor of the page's policy."""
    one_browser.get_log("browser")  # type: ignore[no-untyped-call]  # selenium types it not
    yield one_browser
    complaints = [entry["message"] for entry in one_browser.get_log("browser")]  # type: ignore[no-untyped-call]
    one_browser.get("about:blank")
    assert [words for words in complaints if _EXPECTED not in words] == []


@pytest.fixture(scope="module")
def topic(broker: LocalBroker) -> str:
    """Create the topic of all tests here: each looks at a task of its own."""
    name = f"test-{uuid4().hex[:12]}"
    BrokerClient(broker.bootstrap_servers).create_topic(name, partitions=3)
    return name


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, broker: LocalBroker, topic: str) -> Iterator[ApiProcess]:
    folder, servers = tmp_path_factory.mktemp("api"), broker.bootstrap_servers
    with ApiProcess(folder, bootstrap_servers=servers, topic=topic) as process:
        yield process


@pytest.fixture
def page(chrome: Chrome, api: ApiProcess) -> LivePage:
    page = LivePage(chrome, api.url)
    page.show_in()
    return page.live()


def add_task(api: ApiProcess, title: str) -> str:
    made = httpx2.post(f"{api.url}/tasks", json={"title": title}, timeout=30)
    return str(made.json()["id"])


def messages_of(broker: LocalBroker, topic: str, task_id: str) -> list[Message]:
    client = BrokerClient(broker.bootstrap_servers)
    found = client.messages(topic, count=sum(client.end_offsets(topic).values()))
    return [message for message in found if message.key() == task_id.encode()]


def test_a_task_is_made_by_keyboard_and_its_event_followed_to_its_offset(
    page: LivePage, api: ApiProcess, broker: LocalBroker, topic: str
) -> None:
    broker.pause()
    try:
        page.press(Keys.TAB)
        assert page.focused() == "Skip to the tasks"
        page.press(Keys.ENTER, Keys.TAB)
        assert page.focused() == "What is to be done?"
        page.press("Buy groceries", Keys.ENTER)
        page.shows(".task .chip", "created: waiting")
        assert page.text(".task-title") == "Buy groceries"
        page.shows(".event .event-place", "waiting")
    finally:
        broker.resume()
    place = page.shows(".event .event-place", "offset", within=40)
    (task,) = httpx2.get(f"{api.url}/tasks?order=newest&limit=1", timeout=30).json()
    (message,) = messages_of(broker, topic, task["id"])
    assert place == f"partition {message.partition()} · offset {message.offset()}"
    page.shows(".task .chip", f"created: {place}")
    assert place in page.heard()
    assert page.focused() == "What is to be done?"


def test_events_gather_while_kafka_is_away_and_drain_when_it_is_back(
    page: LivePage, api: ApiProcess, broker: LocalBroker
) -> None:
    broker.pause()
    try:
        for number in range(3):
            add_task(api, f"Task {number}")
        story = page.shows("#story", "Nothing reaches Kafka")
        assert page.text("#pending") == "3"
    finally:
        broker.resume()
    assert "3 events wait here" in story
    page.shows("#story", "Every event is published", within=40)
    assert (page.text("#pending"), page.text("#oldest")) == ("0", NOTHING)
    assert "At most" in page.text("#chart-words")
    assert len(page.find(".chart .line.depth").get_attribute("d") or "") > 20
    assert "published" in page.heard()


def test_a_task_completed_twice_is_one_event(
    page: LivePage, api: ApiProcess, broker: LocalBroker, topic: str
) -> None:
    task_id = add_task(api, "Buy apples")
    page.shows(".task-title", "Buy apples")
    page.tab_to("Complete Buy apples")
    page.press(Keys.ENTER, Keys.ENTER)
    page.shows(".task .status", "Completed")
    assert page.focused() == "Completed: Buy apples"
    page.press(Keys.ENTER)
    httpx2.post(f"{api.url}/tasks/{task_id}/complete", timeout=30)
    page.shows(".task .chip:last-child", "completed: partition")
    told = [
        json.loads(message.value() or b"")["event_type"] for message in messages_of(broker, topic, task_id)
    ]
    assert told == ["task.created", "task.completed"]


def test_what_somebody_else_changed_meanwhile_is_shown_and_kept(page: LivePage, api: ApiProcess) -> None:
    task_id = add_task(api, "Buy groceries")
    page.shows(".task-title", "Buy groceries")
    page.tab_to("Change Buy groceries")
    page.press(Keys.ENTER)
    eventually("the form has the focus", lambda: page.focused() == "Title", within=20)
    httpx2.patch(f"{api.url}/tasks/{task_id}", json={"title": "Buy bread"}, timeout=30)
    page.press(" and milk", Keys.ENTER)
    words = page.shows(".conflict", "Somebody else changed this task")
    assert "“Buy bread”, pending" in words
    assert page.focused() == "Keep theirs"
    page.press(Keys.ENTER)
    page.shows(".task-title", "Buy bread")
    assert page.focused() == "Change Buy bread"


def test_a_task_is_changed_by_keyboard(page: LivePage, api: ApiProcess) -> None:
    add_task(api, "Buy groceries")
    page.shows(".task-title", "Buy groceries")
    page.tab_to("Change Buy groceries")
    page.press(Keys.ENTER)
    eventually("the form has the focus", lambda: page.focused() == "Title", within=20)
    page.press(" and milk", Keys.TAB, "I", Keys.ENTER)
    page.tab_to("Save")
    page.press(Keys.ENTER)
    page.shows(".task-title", "Buy groceries and milk")
    page.shows(".task .status", "In progress")


def test_markup_in_a_title_is_shown_as_the_text_it_is(page: LivePage, api: ApiProcess) -> None:
    title = "<img src=x onerror=alert(1)><b>bold</b>"
    add_task(api, title)
    assert page.shows(".task-title", "onerror") == title
    assert page.shows(".event-title", "onerror") == title
    assert page.texts(".task b, .event b, .task img") == []


def test_every_control_has_a_name_and_the_page_its_landmarks(page: LivePage, api: ApiProcess) -> None:
    add_task(api, "Buy groceries")
    page.shows(".task-title", "Buy groceries")
    page.tab_to("Change Buy groceries")
    page.press(Keys.ENTER)
    eventually("the form has the focus", lambda: page.focused() == "Title", within=20)
    tree = page.tree()
    controls = [node for node in tree if node.role in CONTROLS or node.role == "image"]
    assert len(controls) > 8
    assert [node for node in controls if not node.name] == []
    roles = {node.role for node in tree}
    assert {"banner", "main", "contentinfo", "heading", "list", "status"} <= roles
    assert {node.name for node in tree if node.role == "region"} == {"Outbox", "Tasks", "Events"}


def test_tab_goes_through_the_whole_page_and_the_focus_is_always_seen(
    page: LivePage, api: ApiProcess
) -> None:
    add_task(api, "Buy pears")
    page.shows(".task-title", "Buy pears")
    walked = []
    for _ in range(80):
        page.press(Keys.TAB)
        if not page.focused():
            break
        assert page.focus_is_seen()
        walked.append(page.focused())
    assert walked[:6] == [
        "Skip to the tasks",
        "The same as a table",
        "What is to be done?",
        "Add task",
        "Complete Buy pears",
        "Change Buy pears",
    ]
    assert walked[-2:] == ["OpenAPI", "AsyncAPI"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_in_both_schemes_and_on_a_small_screen(
    page: LivePage, api: ApiProcess, broker: LocalBroker, scheme: str
) -> None:
    title = f"An uncommonly long title of a task that has to find its place on a small, {scheme} screen " * 2
    add_task(api, title)
    page.shows(".task-title", title.strip())
    page.shows(".task .chip", "created: partition")
    broker.pause()
    try:
        httpx2.post(f"{api.url}/tasks/{add_task(api, 'Buy groceries')}/complete", timeout=30)
        page.shows("#story", "Nothing reaches Kafka")
        page.shows(".task .chip:last-child", "completed: waiting")
        page.show_in(width=360, scheme=scheme)
        assert page.scheme() == scheme
        assert page.weak_texts(least=4.5) == []
        assert page.overflow() == 0
    finally:
        broker.resume()


def test_without_a_key_the_page_asks_for_one_and_keeps_it_in_the_tab(
    chrome: Chrome, tmp_path: Path, broker: LocalBroker, topic: str
) -> None:
    servers = broker.bootstrap_servers
    with ApiProcess(tmp_path, bootstrap_servers=servers, topic=topic, AUTH="api_key") as api:
        key = api.make_key("page")
        page = LivePage(chrome, api.url)
        eventually("the page asks", lambda: page.focused() == "API key or token", within=20)
        page.press("ec_wrong", Keys.ENTER)
        page.shows("#sign-in-error", "not accepted")
        eventually("the page asks again", lambda: page.focused() == "API key or token", within=20)
        page.press(key, Keys.ENTER)
        page.live()
        page.tab_to("What is to be done?")
        page.press("Buy groceries", Keys.ENTER)
        page.shows(".event .event-place", "offset")
        stored = "return [JSON.stringify(localStorage), document.cookie, Object.values(sessionStorage)]"
        assert chrome.execute_script(stored) == ["{}", "", [key]]


def test_a_rejected_event_says_why_and_an_api_that_ends_leaves_the_numbers_unknown(
    chrome: Chrome, tmp_path: Path, broker: LocalBroker
) -> None:
    topic, servers = f"test-{uuid4().hex[:12]}", broker.bootstrap_servers
    BrokerClient(servers).create_topic(topic, config={"max.message.bytes": "100"})
    with ApiProcess(tmp_path, bootstrap_servers=servers, topic=topic) as api:
        page = LivePage(chrome, api.url).live()
        page.tab_to("What is to be done?")
        page.press("Buy groceries", Keys.ENTER)
        page.shows(".event .event-place", "rejected: MSG_SIZE_TOO_LARGE")
        page.shows("#story", "1 event stands aside")
        log = api.terminate()
    assert "Finished server process" in log
    assert "timeout graceful shutdown exceeded" not in log, "an open stream held up the end"
    page.shows("#connection", "Offline")
    assert ("not known" in page.text("#story"), page.text("#pending")) == (True, NOTHING)
    page.press("Buy bread", Keys.ENTER)
    page.shows("#new-task-error", "can't be reached")
    assert page.find("#title").get_property("value") == "Buy bread"
