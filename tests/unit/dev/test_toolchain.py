from __future__ import annotations

from typing import Any

import pytest

from dev import toolchain

UPSTREAM: dict[str, Any] = {
    "Go": "1.24.0",
    "Replace": [
        {"Old": {"Path": "k8s.io/api"}, "New": {"Path": "./staging/src/k8s.io/api"}},
        {"Old": {"Path": "example.org/forked"}, "New": {"Path": "example.org/fork", "Version": "v1.0.0"}},
    ],
}


def test_staging_modules_are_replaced_by_their_published_versions() -> None:
    lines = toolchain.kubernetes_go_mod(UPSTREAM, "1.34.4", {"example.org/etcd": "3.6.5"}).splitlines()

    assert "require k8s.io/kubernetes v1.34.4" in lines
    assert "replace k8s.io/api => k8s.io/api v0.34.4" in lines
    assert "require example.org/etcd v3.6.5" in lines
    assert "go 1.24.0" in lines
    assert not any("./staging" in line for line in lines)


def test_kubernetes_programs_are_stamped_with_their_version() -> None:
    stamp = toolchain.kubernetes_stamp("1.34.4")

    for value in ("gitVersion=v1.34.4", "gitMajor=1", "gitMinor=34"):
        assert f"-X k8s.io/component-base/version.{value}" in stamp


@pytest.mark.parametrize(
    ("said", "fits"),
    [
        ("go version go1.26.8 linux/amd64", True),
        ("go version go1.27rc1 linux/amd64", True),
        ("go version go2.0 linux/amd64", True),
        ("go version go1.19.8 linux/amd64", False),
        ("", False),
    ],
)
def test_a_go_is_used_only_if_it_is_new_enough(*, said: str, fits: bool) -> None:
    assert toolchain.is_new_enough(said) is fits
