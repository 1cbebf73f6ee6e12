"""What an answer tells a browser besides its own headers."""

from __future__ import annotations

from eventconsumer_api.guarding.headers import secured

ADDED = {b"x-content-type-options", b"x-frame-options", b"referrer-policy", b"cache-control"}


def test_an_answer_gets_the_headers_that_it_lacks() -> None:
    added = dict(secured([(b"content-type", b"application/json")]))
    assert added.keys() == ADDED | {b"content-type", b"content-security-policy"}


def test_a_header_of_the_answer_itself_wins() -> None:
    assert secured([(b"cache-control", b"no-store")]).count((b"cache-control", b"no-store")) == 1
    assert (b"cache-control", b"private, no-cache") not in secured([(b"cache-control", b"no-store")])


def test_a_page_says_by_itself_what_it_may_load() -> None:
    assert b"content-security-policy" not in dict(secured([(b"content-type", b"text/html; charset=utf-8")]))
