"""What the operator's service account may do, as the API server itself says, against a golden file.

tests/data/README.md says how to renew it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.kubernetes import Refused

if TYPE_CHECKING:
    from tests.support.kubernetes import Kubernetes

GOLDEN = Path(__file__).resolve().parents[1] / "data" / "rights" / "namespace.txt"
OPERATOR = "--as=system:serviceaccount:tasks:eventconsumer-operator"


def rights(kubernetes: Kubernetes) -> str:
    """List the rights as sorted lines of single-spaced words; the width of kubectl's columns varies."""
    listed = kubernetes.kubectl("auth", "can-i", "--list", OPERATOR).splitlines()
    return "\n".join(sorted(re.sub(r"\s{2,}", "  ", line).strip() for line in listed)) + "\n"


def test_its_rights_are_exactly_those_of_the_golden_file(kubernetes: Kubernetes) -> None:
    now = rights(kubernetes)
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(now)
    assert now == GOLDEN.read_text()


@pytest.mark.parametrize(
    "words",
    [
        ("get", "secrets"),
        ("list", "secrets"),
        ("watch", "secrets"),
        ("list", "pods", "--all-namespaces"),
        ("list", "eventconsumers", "--all-namespaces"),
        ("list", "namespaces"),
        ("delete", "eventconsumers"),
        ("delete", "deployments"),
        ("create", "pods/exec"),
    ],
    ids=" ".join,
)
def test_it_may_not(kubernetes: Kubernetes, words: tuple[str, ...]) -> None:
    with pytest.raises(Refused):
        kubernetes.kubectl("auth", "can-i", "--quiet", OPERATOR, *words)
