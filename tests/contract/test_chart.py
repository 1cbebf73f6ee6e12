"""What the chart repeats from elsewhere in the tree is the same there."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "eventconsumer"


def test_the_charts_copy_of_the_resource_definition_is_the_canonical_one() -> None:
    canonical = ROOT / "crds" / "eventconsumers.yaml"

    assert (CHART / "crds" / "eventconsumers.yaml").read_bytes() == canonical.read_bytes()


def test_the_chart_has_the_version_of_the_project() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert {chart["version"], chart["appVersion"]} == {project["version"]}


def test_the_schema_of_the_values_knows_exactly_the_values_there_are() -> None:
    schema = yaml.safe_load((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())

    # `global` is Helm's own, and an image's or a resource list's inner fields are shared definitions.
    assert schema["properties"].keys() - {"global"} == values.keys()
    assert_same_keys(schema["properties"], values)


def assert_same_keys(properties: dict[str, Any], values: dict[str, Any]) -> None:
    for key, value in values.items():
        nested = properties[key].get("properties")
        if nested is not None and value:
            assert nested.keys() == value.keys(), key
            assert_same_keys(nested, value)
