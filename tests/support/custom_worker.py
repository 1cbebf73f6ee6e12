"""Workers of a test's own, in the image that the demo's workers have."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.kubernetes import Kubernetes, Manifest


def custom_worker(kubernetes: Kubernetes, program: str) -> Manifest:
    """Build a ``spec.worker`` that runs a Python program."""
    ours = kubernetes.get("deployment", "notification-service")
    [container] = ours["spec"]["template"]["spec"]["containers"]
    return {
        "type": "custom",
        "custom": {"image": container["image"], "command": ["python", "-c", program]},
    }
