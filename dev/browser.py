"""A browser without a screen, for tests of the page and for its picture: Debian's Chromium, told by Selenium.

Selenium is given both programs, so it looks for none and downloads none. Whoever is root has no sandbox to
offer the browser; it opens pages of this machine only.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from dev import system

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORDS = (
    "--headless=new",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    # It opens this machine's addresses only, and reports nothing to anybody.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@contextmanager
def browser(width: int = 1280, height: int = 900) -> Iterator[webdriver.Chrome]:
    """Open a browser of that size in CSS pixels, and end it behind the block."""
    system.need("chromium", "chromedriver")
    options = Options()
    options.binary_location = _path("chromium")
    for word in (*_WORDS, f"--window-size={width},{height}"):
        options.add_argument(word)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory(prefix="eventconsumer-browser-", ignore_cleanup_errors=True) as profile:
        options.add_argument(f"--user-data-dir={profile}")
        driver = webdriver.Chrome(options=options, service=Service(executable_path=_path("chromedriver")))
        try:
            yield driver
        finally:
            driver.quit()


def _path(program: str) -> str:
    path = system.find(program)
    if path is None:
        raise RuntimeError(f"the program {program} is missing")
    return path
