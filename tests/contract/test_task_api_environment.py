"""The chart sets what the Task API reads, and the documents name it."""

from __future__ import annotations

import re
from pathlib import Path

from eventconsumer_api.config import Settings

ROOT = Path(__file__).resolve().parents[2]

# Fixed by the image, or for whoever has a reason: `taskApi.env` of the chart sets them.
BY_ENV_ONLY = {"client_id", "database_url_file", "host", "port"}


def set_by_the_chart() -> set[str]:
    helpers = (ROOT / "charts" / "eventconsumer" / "templates" / "_helpers.tpl").read_text()
    _, environment = helpers.split('define "eventconsumer.taskApi.environment"')
    return {name.lower() for name in re.findall(r"^- name: ([A-Z_]+)$", environment, re.MULTILINE)}


def test_every_variable_that_the_chart_sets_is_one_the_task_api_reads() -> None:
    assert set_by_the_chart() <= Settings.model_fields.keys()


def test_every_variable_that_the_task_api_reads_has_a_value_in_the_chart() -> None:
    assert Settings.model_fields.keys() - set_by_the_chart() == BY_ENV_ONLY


def test_every_variable_is_in_the_documents() -> None:
    told = (ROOT / "task_api" / "README.md").read_text()
    assert [name for name in Settings.model_fields if f"`{name.upper()}`" not in told] == []
