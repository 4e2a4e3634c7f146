"""The verifier in a real browser: on the city's page, and as a file opened from a disk without a network."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import Page

from tests.browser.conftest import Opened, overflow, tab_to
from tests.flow.served import Served, Visitor

pytestmark = pytest.mark.chromium
YES = {"en-GB": "It verifies", "zh-CN": "核对无误"}
NO = {"en-GB": "It does not verify.", "zh-CN": "核对不符。"}


@dataclass(frozen=True)
class Given:
    """A resident's bundle and the log's key."""

    bundle: bytes
    key: str


@pytest.fixture(scope="module")
def given(served_city: Served) -> Given:
    visitor = Visitor(served_city.url)
    visitor.be_a_resident()
    return Given(visitor.fetch("/me/bundle.json").content, served_city.key)


@pytest.fixture(params=["served", "saved"])
def verifier(
    request: pytest.FixtureRequest, opened: Opened, served_city: Served, tmp_path: Path
) -> Callable[..., Page]:
    """The verifier in a window: as the city serves it, or as the file that it offers, cut off from any network."""

    def show(locale: str) -> Page:
        page = opened(locale=locale)
        page.goto(f"{served_city.url}/verify/")
        if request.param == "served":
            return page
        with page.expect_download() as waiting:
            page.locator("a[href='/verify/alone.html']").click()
        waiting.value.save_as(tmp_path / waiting.value.suggested_filename)
        alone = opened(locale=locale)
        alone.context.set_offline(True)
        alone.goto((tmp_path / "cityloom-verify.html").as_uri())
        return alone

    return show


def verdict(page: Page, bundle: bytes, key: str, folder: Path) -> str:
    """What the page says of a bundle under a key; all but the choice of the file by keyboard."""
    path = folder / "bundle.json"
    path.write_bytes(bundle)
    page.locator("#bundle").set_input_files(path)
    page.locator("#bundle").focus()
    tab_to(page, "#key")
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(key)
    tab_to(page, "#verify button:last-of-type")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=status] h2")
    return page.locator("[role=status] h2").inner_text()


def changed(bundle: bytes) -> bytes:
    """The same with one byte of a leaf changed; it is still JSON."""
    at = bundle.index(b"emergency-assistance")
    return bundle[:at] + b"f" + bundle[at + 1 :]


def another(key: str) -> str:
    """A key of somebody else's under the log's own name."""
    name = key.split("+", maxsplit=1)[0]
    raw = b"\x01" + Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    digest = hashlib.sha256(f"{name}\n".encode() + raw).hexdigest()[:8]
    return f"{name}+{digest}+{base64.b64encode(raw).decode()}"


def test_what_it_shows_fits_a_small_screen(verifier: Callable[..., Page], given: Given, tmp_path: Path) -> None:
    page = verifier("en-GB")
    page.set_viewport_size({"width": 320, "height": 640})
    assert verdict(page, given.bundle, given.key, tmp_path).startswith(YES["en-GB"])
    assert overflow(page) == 0


@pytest.mark.parametrize("locale", list(YES))
def test_it_tells_true_from_false(verifier: Callable[..., Page], given: Given, locale: str, tmp_path: Path) -> None:
    page = verifier(locale)
    assert page.evaluate("document.documentElement.lang") == ("en" if locale == "en-GB" else "zh-Hans")
    assert verdict(page, given.bundle, given.key, tmp_path).startswith(YES[locale])
    assert page.locator("[role=status] tbody tr").count() == len(json.loads(given.bundle)["entries"])
    assert verdict(page, changed(given.bundle), given.key, tmp_path) == NO[locale]
    assert verdict(page, given.bundle, another(given.key), tmp_path) == NO[locale]
    assert verdict(page, given.bundle, "", tmp_path) == NO[locale]
    assert verdict(page, b"{}", given.key, tmp_path) == NO[locale]
    assert verdict(page, given.bundle, given.key, tmp_path).startswith(YES[locale])


def test_the_saved_file_changes_its_language(
    request: pytest.FixtureRequest, opened: Opened, served_city: Served, tmp_path: Path
) -> None:
    page = opened()
    path = tmp_path / "alone.html"
    path.write_bytes(Visitor(served_city.url).fetch("/verify/alone.html").content)
    page.goto(path.as_uri())
    assert page.locator("h1").inner_text() == "Check a bundle of log entries"
    page.get_by_role("button", name="中文").press("Enter")
    assert page.locator("h1").inner_text() == "核对日志证明文件"
