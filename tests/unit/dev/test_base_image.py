from __future__ import annotations

from typing import TYPE_CHECKING

from dev.base_image import certificates, write_authorities

if TYPE_CHECKING:
    from pathlib import Path


def certificate(text: str) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"


def test_a_bundle_is_taken_apart() -> None:
    bundle = f"# one\n{certificate('AAA')}# two\n{certificate('BBB')}"

    assert certificates(bundle) == [certificate("AAA"), certificate("BBB")]


def test_every_authority_of_the_host_becomes_one_file(tmp_path: Path) -> None:
    host, context = tmp_path / "host", tmp_path / "context"
    host.mkdir()
    (host / "company.crt").write_text(certificate("AAA") + certificate("BBB"))

    write_authorities(context, host)

    assert {file.name: file.read_text() for file in context.iterdir()} == {
        "company-0.crt": certificate("AAA"),
        "company-1.crt": certificate("BBB"),
    }


def test_a_host_without_own_authorities_gives_an_empty_folder(tmp_path: Path) -> None:
    write_authorities(tmp_path / "context", tmp_path / "nowhere")

    assert list((tmp_path / "context").iterdir()) == []
