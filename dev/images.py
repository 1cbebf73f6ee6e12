"""The product's images, built from this working tree and loaded into a cluster where they changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dev import base_image, docker, versions
from dev.source import Source, source

if TYPE_CHECKING:
    from dev.cluster import Cluster

_ROOT = Path(__file__).resolve().parent.parent
# What every image is built from besides its own folder and lock file.
_SHARED = ("pyproject.toml", "README.md", "LICENSE", "locks/build.txt")


@dataclass(frozen=True)
class Image:
    """One product image: its name, the folder of its code, and its lock file."""

    name: str
    folder: str
    lock: str


IMAGES = (
    Image("eventconsumer/operator", "operator", "locks/operator.txt"),
    Image("eventconsumer/workers", "workers", "locks/workers.txt"),
    Image("eventconsumer/task-api", "task_api", "locks/api.txt"),
)


def load(cluster: Cluster) -> dict[str, str]:
    """Load the images of this tree into ``cluster``, and return their tags by name."""
    tags = make()
    for name, tag in tags.items():
        cluster.load_image(f"{name}:{tag}")
    return tags


def make() -> dict[str, str]:
    """Build the images whose sources changed, and return their tags by name."""
    base = versions.PYTHON_IMAGE if source() is Source.OFFICIAL else base_image.python()
    with ThreadPoolExecutor(max_workers=2) as pool:
        return dict(pool.map(lambda image: (image.name, build(image, base=base)), IMAGES))


def build(image: Image, *, base: str, root: Path = _ROOT) -> str:
    """Build one image, unless Docker's store holds it made from the very same files and base; return its tag.

    The tag holds the recipe, so that a changed image is another image to Kubernetes too, and rolls its pods.
    """
    made_by = recipe(image, base=f"{base} {docker.recipe_of(base)}", root=root)
    tag = f"dev-{made_by}"
    name = f"{image.name}:{tag}"
    dockerfile, args = root / image.folder / "Dockerfile", {"BASE_IMAGE": base}
    docker.made(
        name,
        made_by,
        lambda: docker.build(name, root, recipe=made_by, dockerfile=dockerfile, args=args),
    )
    return tag


def recipe(image: Image, *, base: str, root: Path = _ROOT) -> str:
    """Return a hash of everything an image is made from."""
    files = [root / name for name in (*_SHARED, image.folder, image.lock)]
    return docker.recipe(*files, base)
