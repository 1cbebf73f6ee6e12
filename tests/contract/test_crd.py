"""The CRD and the operator's models say the same, and the CRD explains itself."""

from __future__ import annotations

import types
import typing
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from eventconsumer_operator.models import EventConsumer, Spec
from eventconsumer_operator.status_models import Status

CRD = yaml.safe_load((Path(__file__).resolve().parents[2] / "crds" / "eventconsumers.yaml").read_text())
VERSION = CRD["spec"]["versions"][0]
SCHEMA = VERSION["schema"]["openAPIV3Schema"]["properties"]
NOT_OPTIONAL = {
    "spec.worker",
    "spec.worker.type",
    "spec.topicRef.name",
    "spec.userRef.name",
    "spec.kafka.sasl.passwordSecretRef",
} | {f"spec.kafka.{name}" for name in ("bootstrapServers", "topic")}


def model_fields(model: type[BaseModel], at: str) -> dict[str, tuple[str, Any]]:
    """Return every field of a model and of the models in it, by its path in the resource."""
    found: dict[str, tuple[str, Any]] = {}
    for name, field in model.model_fields.items():
        path = f"{at}.{field.alias or name}"
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        found[path] = (name, default)
        for inner in inner_models(field.annotation):
            found |= model_fields(inner, path)
    return found


def inner_models(annotation: Any) -> list[type[BaseModel]]:
    arguments = typing.get_args(annotation)
    if arguments:
        return [model for argument in arguments for model in inner_models(argument)]
    return [annotation] if isinstance(annotation, type) and issubclass(annotation, BaseModel) else []


def schema_fields(schema: dict[str, Any], at: str) -> dict[str, dict[str, Any]]:
    """Return every property of a schema, by its path in the resource; a list's items keep the list's path."""
    found: dict[str, dict[str, Any]] = {}
    for name, inner in schema.get("items", schema).get("properties", {}).items():
        found[f"{at}.{name}"] = inner
        found |= schema_fields(inner, f"{at}.{name}")
    return found


SPEC = schema_fields(SCHEMA["spec"], "spec")
STATUS = schema_fields(SCHEMA["status"], "status")
MODELLED_AS_KUBERNETES_OWN = (
    "spec.template.env.",
    "spec.template.resources.",
    "spec.template.imagePullSecrets.",
)


def test_the_models_of_the_spec_have_exactly_the_fields_of_the_crd() -> None:
    ours = {path for path in SPEC if not path.startswith(MODELLED_AS_KUBERNETES_OWN)}
    assert model_fields(Spec, "spec").keys() == ours


def test_the_models_of_the_status_have_exactly_the_fields_of_the_crd() -> None:
    assert model_fields(Status, "status").keys() == STATUS.keys()


@pytest.mark.parametrize(("path", "field"), (SPEC | STATUS).items(), ids=(SPEC | STATUS).keys())
def test_a_field_is_described(path: str, field: dict[str, Any]) -> None:
    assert len(field.get("description", "")) >= 20, path


@pytest.mark.parametrize("path", sorted(SPEC.keys() - NOT_OPTIONAL))
def test_an_optional_field_has_a_default_or_says_what_it_is_without(path: str) -> None:
    parent = SPEC.get(path.rpartition(".")[0], SCHEMA["spec"])
    required = parent.get("items", parent).get("required", [])
    field = SPEC[path]
    assert path.rpartition(".")[2] in required or "default" in field or "Default:" in field["description"]


def test_the_defaults_of_the_crd_are_those_of_the_models() -> None:
    models = model_fields(Spec, "spec")
    for path, field in SPEC.items():
        if path in models and "default" in field and not isinstance(field["default"], dict):
            assert models[path][1] == field["default"], path


def test_a_null_is_allowed_exactly_where_a_model_can_have_it() -> None:
    nullable = {path for path, field in STATUS.items() if field.get("nullable")}
    assert nullable == optional_fields(Status, "status")


def optional_fields(model: type[BaseModel], at: str) -> set[str]:
    """Return the path of every field that a model, or a model in it, lets be null."""
    found: set[str] = set()
    for field in model.model_fields.values():
        path = f"{at}.{field.alias}"
        if types.NoneType in typing.get_args(field.annotation):
            found.add(path)
        for inner in inner_models(field.annotation):
            found |= optional_fields(inner, path)
    return found


def test_every_choice_of_the_crd_is_one_of_the_models() -> None:
    for path, values in {
        "spec.worker.type": ["notification", "audit", "custom"],
        "spec.startFrom": ["earliest", "latest"],
        "spec.deletionPolicy": ["Retain", "Delete"],
    }.items():
        assert SPEC[path]["enum"] == values
        for value in values:
            spec: dict[str, Any] = {"worker": {"type": "audit"}}
            target = spec["worker"] if path == "spec.worker.type" else spec
            target[path.rpartition(".")[2]] = value
            metadata = {"name": "a", "namespace": "b", "uid": "c"}
            EventConsumer.model_validate({"metadata": metadata, "spec": spec})


def test_a_message_of_a_rule_names_the_field_it_is_about() -> None:
    rules = [rule for rule in walk_rules(VERSION["schema"]) if "message" in rule]
    assert rules
    for rule in rules:
        assert rule["message"].startswith(("spec", "metadata.name")), rule


def walk_rules(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, dict):
        own = node.get("x-kubernetes-validations", [])
        return [*own, *(rule for child in node.values() for rule in walk_rules(child))]
    return []


def test_the_columns_are_those_of_the_readme() -> None:
    columns = [
        (column["name"].upper(), column.get("priority", 0)) for column in VERSION["additionalPrinterColumns"]
    ]
    assert [name for name, priority in columns if not priority] == [
        "TOPIC",
        "READY",
        "LAG",
        "BEHIND",
        "STATUS",
        "AGE",
    ]
    assert [name for name, priority in columns if priority] == [
        "GROUP",
        "PARTITIONS",
        "GROUP-STATE",
        "DLQ",
    ]


def test_the_columns_read_fields_that_exist() -> None:
    for column in VERSION["additionalPrinterColumns"]:
        path = column["jsonPath"].removeprefix(".")
        assert path in STATUS or path == "metadata.creationTimestamp"
