"""The live page as a person uses it: by keys, and by what can be read or heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.support.eventually import eventually

if TYPE_CHECKING:
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

CONTROLS = frozenset({"button", "textbox", "combobox", "link", "DisclosureTriangle", "menulist"})

# Each text that is seen, with its colour and the first ground behind it that is not transparent.
_TEXTS = """
const seen = [];
const unseen = ".unseen, .skip, template, script, noscript";
const clear = "rgba(0, 0, 0, 0)";
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const text = node.textContent.trim();
  const element = node.parentElement;
  if (!text || !element.checkVisibility() || element.closest(unseen)) continue;
  const style = getComputedStyle(element);
  let ground = element;
  while (ground && getComputedStyle(ground).backgroundColor === clear) ground = ground.parentElement;
  const colour = element.ownerSVGElement ? style.fill : style.color;
  seen.push([text, colour, ground ? getComputedStyle(ground).backgroundColor : "rgb(255, 255, 255)"]);
}
return seen;
"""
_OUTLINE = """
const style = getComputedStyle(document.activeElement);
return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
"""


_IS_SHOWN_IN = """
const [width, scheme] = arguments;
return innerWidth === width && matchMedia(`(prefers-color-scheme: ${scheme})`).matches;
"""


@dataclass(frozen=True, slots=True)
class Node:
    """What a screen reader is told of one element."""

    role: str
    name: str


class LivePage:
    """The page at ``url`` in a browser."""

    def __init__(self, browser: Chrome, url: str) -> None:
        self._browser = browser
        browser.get(url)

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, wherever the focus is."""
        for key in keys:
            ActionChains(self._browser).send_keys(key).perform()

    def tab_to(self, name: str) -> None:
        """Press Tab until the focus is on the control of that name."""
        for _ in range(60):
            self.press(Keys.TAB)
            if self.focused() == name:
                return
        raise AssertionError(f"Tab never came to {name}")

    def focused(self) -> str:
        """Return the accessible name of what has the focus; empty for the page itself."""
        element = self._browser.switch_to.active_element
        return "" if element.tag_name == "body" else element.accessible_name

    def focus_is_seen(self) -> bool:
        """Say whether there is an outline around what has the focus."""
        return bool(self._browser.execute_script(_OUTLINE))

    def find(self, selector: str) -> WebElement:
        """Return the first element of a CSS selector."""
        return self._browser.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """Return what can be read in an element."""
        return self.find(selector).text

    def texts(self, selector: str) -> list[str]:
        """Return what can be read in each element."""
        return [element.text for element in self._browser.find_elements(By.CSS_SELECTOR, selector)]

    def heard(self) -> str:
        """Return what a screen reader was told last."""
        return self.find("#announcer").get_property("textContent")  # type: ignore[return-value]  # always text

    def shows(self, selector: str, text: str, *, within: float = 20) -> str:
        """Wait until an element holds a text, and return all of it."""
        return eventually(
            f"{text!r} in {selector}",
            lambda: self.text(selector),
            until=lambda found: text in found,
            within=within,
        )

    def live(self) -> LivePage:
        """Wait until the stream is open and a first look was shown."""
        self.shows("#connection", "Live")
        eventually("the outbox is shown", lambda: self.text("#pending").isdigit(), within=30)
        return self

    def tree(self) -> list[Node]:
        """Return what a screen reader is told of the whole page."""
        answer: dict[str, Any] = self._browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})
        return [
            Node(node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in answer["nodes"]
            if not node["ignored"]
        ]

    def show_in(self, *, width: int = 1280, scheme: str = "light") -> None:
        """Show the page this wide (in CSS pixels) and in a colour scheme."""
        self._browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
        )
        self._browser.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        )
        eventually(
            f"{width} pixels in {scheme}",
            lambda: self._browser.execute_script(_IS_SHOWN_IN, width, scheme),
            within=20,
        )

    def scheme(self) -> str:
        """Return of which scheme the page's ground is: light or dark."""
        ground: str = self._browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        return "light" if _luminance(ground) > 0.5 else "dark"

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than its window."""
        return int(
            self._browser.execute_script(
                "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
        )

    def weak_texts(self, *, least: float) -> list[tuple[str, float]]:
        """Return the texts whose contrast to their ground is less than ``least`` to 1."""
        found = [(text, contrast(colour, ground)) for text, colour, ground in self._texts()]
        return [(text, ratio) for text, ratio in found if ratio < least]

    def _texts(self) -> list[tuple[str, str, str]]:
        texts: list[tuple[str, str, str]] = self._browser.execute_script(_TEXTS)
        assert len(texts) > 10
        return texts


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two CSS colours, as WCAG 2 computes it."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = [float(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
