"""Debian's Chromium, without a screen; nothing is downloaded, and whatever a page asks for elsewhere is a failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.look import without_maps
from tests.flow.served import HELPED, Served
from tests.required import missing

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-gpu-compositing",
    "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
)  # fmt: skip
_LISTEN = "addEventListener('securitypolicyviolation', e => console.error(`CSP ${e.effectiveDirective}`, e.blockedURI))"


@pytest.fixture(scope="session")
def installed() -> Path:
    if not CHROMIUM.exists():
        missing("chromium", f"{CHROMIUM} is not there; install Debian's package chromium")
    return CHROMIUM


@pytest.fixture(scope="session")
def served_city(installed: Path, served_city: Served) -> Served:
    """The city, which is not built where there is no browser to look at it."""
    return served_city


@pytest.fixture(scope="package")
def chromium(installed: Path) -> Iterator[Browser]:
    """A browser; no longer than this folder, since Django refuses its database to the thread that drives one."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed, args=FLAGS)
        yield browser
        browser.close()


Opened = Callable[..., Page]
_turns = count(1)  # the first one is whom tests/flow looks at


@contextmanager
def windows(chromium: Browser) -> Iterator[Opened]:
    """Windows that may neither complain nor reach anything but the city; those that are to draw maps say so."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def heard(url: str) -> None:
        if not url.startswith(("http://localhost:", "file:///", "data:", "blob:")):
            wrong.append(f"asked for {url}")

    def complain(said: str, excused: tuple[str, ...]) -> None:
        if not any(words in said for words in ("GL Driver Message", *excused)):
            wrong.append(said)

    def open_one(locale: str = "en-GB", width: int = 1100, height: int = 900, excused: tuple[str, ...] = (),
                 *, maps: bool = False, **more: object) -> Page:  # fmt: skip
        context = chromium.new_context(
            locale=locale, viewport={"width": width, "height": height}, **more  # type: ignore[arg-type]
        )  # fmt: skip
        contexts.append(context)
        context.add_init_script(_LISTEN)
        page = context.new_page()
        if not maps:
            without_maps(page)
        page.set_default_timeout(20_000)
        page.on("console", lambda said: complain(said.text, excused) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: heard(asked.url))
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def opened(chromium: Browser) -> Iterator[Opened]:
    with windows(chromium) as opened:
        yield opened


@pytest.fixture
def resident(opened: Opened, served_city: Served) -> Callable[..., Page]:
    """A window in which somebody whom a drill has helped is signed in, by keyboard; each time another person."""

    def sign_in(**window: object) -> Page:
        page = opened(**window)
        page.goto(f"{served_city.url}/sign-in/with/demo-residents/")
        tab_to(page, "select[name=resident]")
        for _ in range(next(_turns)):
            page.keyboard.press("ArrowDown")
        assert HELPED in page.locator("option:checked").inner_text()
        tab_to(page, "button:not([name])")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{served_city.url}/")
        return page

    return sign_in


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is there; fail where it never comes."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"the keyboard does not reach {selector}")


def overflow(page: Page) -> int:
    """By how many pixels a page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
