"""Which program a worker's container runs: one of the workers' image, or the user's own.

A handler is run by the workers' own program, so it may come in an image that is built on the workers' image
or, without one, be in the image that the operator runs all workers from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eventconsumer_operator.models import Manifest, Worker
    from eventconsumer_operator.pod_template import Image


def program(worker: Worker, image: Image) -> Manifest:
    """Return the container's fields that name its program; one that is None or empty is to be left out."""
    custom = worker.custom
    if worker.type != "custom" or custom is None:
        return {"image": image.name, "imagePullPolicy": image.pull_policy, "args": [worker.type]}
    ours = custom.image is None
    return {
        "image": custom.image or image.name,
        "imagePullPolicy": custom.image_pull_policy or (image.pull_policy if ours else None),
        "command": list(custom.command),
        "args": ["custom", custom.handler] if custom.handler else list(custom.args),
    }
