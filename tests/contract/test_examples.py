"""Every manifest in the documents is one that its reader takes: ours, Kubernetes' or KEDA's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from eventconsumer_operator.models import EventConsumer
from eventconsumer_operator.names import GROUP, KIND, VERSION
from tests.contract.test_crd import SPEC

ROOT = Path(__file__).resolve().parents[2]
AUTOSCALERS = {"autoscaling/v2": "HorizontalPodAutoscaler", "keda.sh/v1alpha1": "ScaledObject"}
EXAMPLES: list[dict[str, Any]] = [
    manifest
    for document in ("README.md", "crds/README.md")
    for block in re.findall(r"```yaml\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
    for manifest in yaml.safe_load_all(block)
]


def paths(node: Any, at: str) -> set[str]:
    """Return the path of every field that a manifest sets, lists keeping the path of their items."""
    if isinstance(node, list):
        return {path for item in node for path in paths(item, at)}
    if not isinstance(node, dict):
        return set()
    own = {f"{at}.{name}" for name in node}
    return own | {path for name, inner in node.items() for path in paths(inner, f"{at}.{name}")}


def test_an_example_is_of_a_kind_that_has_a_reader() -> None:
    kinds = {(manifest["apiVersion"], manifest["kind"]) for manifest in EXAMPLES}

    assert kinds == {*AUTOSCALERS.items(), (f"{GROUP}/{VERSION}", KIND)}


@pytest.mark.parametrize("manifest", [example for example in EXAMPLES if example["kind"] == KIND])
def test_an_example_sets_only_fields_that_there_are(manifest: dict[str, Any]) -> None:
    EventConsumer.model_validate({**manifest, "metadata": manifest["metadata"] | {"uid": "u"}})

    assert paths(manifest["spec"], "spec") <= SPEC.keys()


@pytest.mark.parametrize("manifest", [example for example in EXAMPLES if example["kind"] != KIND])
def test_an_autoscaler_names_our_kind(manifest: dict[str, Any]) -> None:
    target = {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "name": manifest["metadata"]["name"]}

    assert manifest["spec"]["scaleTargetRef"] == target
