from __future__ import annotations

import pytest

from dev.tools import TOOLS, fits

BY_NAME = {tool.name: tool for tool in TOOLS}


@pytest.mark.parametrize(
    ("name", "said", "expected"),
    [
        ("kind", "kind v0.33.0 go1.26.8 linux/amd64", True),
        ("kind", "kind v0.17.0 go1.19.2 linux/amd64", False),
        ("kubectl", "Client Version: v1.34.4\nKustomize Version: v5.7.1", True),
        ("kubectl", "Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0", False),
        ("helm", "v4.3.1", True),
        ("helm", "v3.18.4+gd80839c", True),
        ("helm", "v2.17.0", False),
        ("helm", "", False),
    ],
)
def test_the_users_own_tool_is_used_only_if_it_is_new_enough(*, name: str, said: str, expected: bool) -> None:
    assert fits(BY_NAME[name], said) is expected
