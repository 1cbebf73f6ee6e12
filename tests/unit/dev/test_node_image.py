from __future__ import annotations

import pytest

from dev import control_plane
from dev.node_image import storage_manifest

KIND_SOURCE = """package nodeimage

const storageProvisionerImage = "docker.io/kindest/local-path-provisioner:v1"
const defaultStorageManifest = `
image: ` + storageProvisionerImage + `
helper: ` + storageHelperImage + `
`
"""


def test_the_storage_manifest_names_our_images() -> None:
    assert storage_manifest(KIND_SOURCE) == (
        f"\nimage: {control_plane.PROVISIONER}\nhelper: {control_plane.HELPER}\n"
    )


def test_an_unknown_image_in_kinds_manifest_is_refused() -> None:
    with pytest.raises(KeyError, match="newImage"):
        storage_manifest("const defaultStorageManifest = `a: ` + newImage + `\n`\n")


def test_a_kind_without_the_manifest_is_refused() -> None:
    with pytest.raises(ValueError, match="defaultStorageManifest"):
        storage_manifest("package nodeimage\n")


def test_an_image_that_kubeadm_asks_for_and_nobody_made_is_found() -> None:
    asked_for = [
        "registry.k8s.io/etcd:3.6.5-0",
        "registry.k8s.io/coredns/coredns:v9",
        "registry.k8s.io/pause:3.10.1",
    ]

    missing = control_plane.unmet(asked_for, ["registry.k8s.io/etcd:3.6.5-0"])

    assert missing == ["registry.k8s.io/coredns/coredns:v9"]
