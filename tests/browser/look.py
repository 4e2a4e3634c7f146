"""Look at a page as somebody who sees badly, uses a keyboard, or has a small screen would."""

from __future__ import annotations

import base64
import functools
import hmac
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import CDPSession, Page

from cityloom.kernel import clock
from tests.browser.pages import HALF, OWN, TWO, Sight
from tests.flow.installation import ROOT, Installation

LANGUAGES = {"en": "en-GB", "zh-Hans": "zh-CN"}
THEMES = ("light", "dark")
WIDTHS = (320, 1440)
_HEIGHT = 900
_ENOUGH = 4.5
_NAMES = {OWN: "own-account", TWO: "two-factors", HALF: "half-signed-in"}
_PASSWORD = "correct horse battery staple 7"
_STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
REVIEWED = {
    ("color-contrast", 'class="banner exercise'): "black reaches 10:1 on either stripe of the banner",
}
"""What neither axe nor `_CONTRAST` can decide: rule and a part of the element, and what a person has found."""

_FOCUS = """() => [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')]
  .filter(one => !one.disabled && one.checkVisibility({visibilityProperty: true}) && one.type !== 'hidden')
  .filter(one => { one.focus(); if (document.activeElement !== one) return false; const style = getComputedStyle(one);
    return style.outlineStyle === 'none' && style.boxShadow === 'none'; })
  .map(one => one.outerHTML.slice(0, 120))"""
_CONTRAST = r"""selector => {
  const element = document.querySelector(selector), style = getComputedStyle(element);
  const parts = colour => colour.match(/[\d.]+/g).map(Number);
  const isClear = colour => colour === 'none' || (parts(colour)[3] ?? 1) === 0;
  const isDrawn = element instanceof SVGElement;
  const behind = () => {
    element.scrollIntoView({block: 'center'});
    const box = element.getBoundingClientRect();
    const under = document.elementsFromPoint(box.x + box.width / 2, box.y + box.height / 2)
      .find(one => one instanceof SVGGeometryElement && !isClear(getComputedStyle(one).fill));
    return under && getComputedStyle(under).fill;
  };
  const halo = isDrawn && !isClear(style.stroke) && style.stroke;
  let ground = element;
  while (ground && isClear(getComputedStyle(ground).backgroundColor)) ground = ground.parentElement;
  const below = ground ? getComputedStyle(ground).backgroundColor : 'rgb(255, 255, 255)';
  const paper = halo || (isDrawn && behind()) || below;
  const light = colour => parts(colour).slice(0, 3).map(one => one / 255)
    .map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
    .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
  const two = [light(isDrawn ? style.fill : style.color), light(paper)].sort((one, other) => one - other);
  return (two[1] + 0.05) / (two[0] + 0.05);
}"""
"""The colours of an element itself, for what axe leaves open since it is short, drawn, or scrolled out of sight: of a
drawn word those of its halo, or of the shape that it stands on."""
_AXE = """rules => axe.run({runOnly: rules, resultTypes: ['violations', 'incomplete']})
  .then(({violations, incomplete}) => ({violations, incomplete}))"""
_OPEN = ("too short", "obscured", "overlap", "image node")
_WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
_PAST = """() => [...document.querySelectorAll('body *')].filter(one => one.getBoundingClientRect().right >
  document.documentElement.clientWidth + 1 && !one.closest('.scroll, .skip, .unseen, pre, details:not([open])'))
  .slice(0, 3).map(one => one.outerHTML.slice(0, 120))"""


@dataclass(frozen=True)
class Setting:
    """How a page is looked at."""

    language: str
    theme: str
    width: int

    def __str__(self) -> str:
        return f"{self.language} {self.theme} {self.width}px"


ALL = [Setting(*one) for one in product(LANGUAGES, THEMES, WIDTHS)]


def two_of(turn: int) -> list[Setting]:
    """Two settings of one language that differ in the rest; four pages in turn have every pair of values."""
    first = [one for one in ALL if one.width == WIDTHS[turn // 2 % 2]][turn % 4]
    return [first, next(one for one in ALL if one.language == first.language and one.theme != first.theme
                        and one.width != first.width)]  # fmt: skip


@functools.cache
def axe() -> str:
    """The source of axe-core."""
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()


def sign_in(page: Page, url: str, who: str) -> None:
    """Be a demo account, a resident whom a drill has helped, or nobody."""
    if who == "resident":
        page.goto(f"{url}/sign-in/with/demo-residents/")
        page.locator("main form button:not([name])").click()
        page.wait_for_url(lambda found: "demo-identity" not in found)
    elif who in _NAMES:
        sign_in_by_password(page, url, _NAMES[who])
        if who != OWN:
            have_an_app(page, url)
        if who == TWO:
            have_a_passkey(page, url)
        if who == HALF:
            page.context.clear_cookies()
            _send(page, url, "/sign-in/", {"login": _NAMES[who], "password": _PASSWORD})
    elif who != "nobody":
        page.goto(f"{url}/sign-in/")
        page.locator(".roles button").filter(has=page.get_by_text(who, exact=True)).click()
        page.wait_for_url(lambda found: "sign-in" not in found)


def review_a_process(page: Page, url: str, log: bytes) -> None:
    """Have the supervisor of cases review a log, and wait until the review is there."""
    sign_in(page, url, "Supervisor of cases")
    page.goto(f"{url}/insight/reviews/new/")
    page.set_input_files("#file", {"name": "permits.csv", "mimeType": "text/csv", "buffer": log})
    page.locator("form:has(#file) button").click()
    page.get_by_role("link", name="Read the review").click(timeout=60_000)
    page.locator("svg.process-map").wait_for()


def work_an_example(page: Page, url: str, kind: str = "trend") -> None:
    """Have the supervisor of cases work the example of a study, and wait until it is there; `page` is signed in."""
    page.goto(f"{url}/insight/studies/new/{kind}/")
    page.get_by_role("button", name="Work the example").click()
    page.get_by_role("link", name="Read the study").click(timeout=60_000)
    page.locator("p.study-answer").first.wait_for()


def publish_an_example(page: Page, url: str) -> None:
    """Have the supervisor of cases work the example of a forecast and publish it; `page` is signed in."""
    page.goto(f"{url}/insight/studies/new/forecast/")
    page.get_by_role("button", name="Work the example").click()
    page.get_by_role("link", name="Read the study").click(timeout=60_000)
    page.get_by_role("button", name="Publish", exact=True).click()
    page.locator("figure.study-chart").wait_for()


def has_an_account(who: str) -> bool:
    """Whether somebody signs in with a password, for which `have_an_account` must have been called."""
    return who in _NAMES


def have_an_account(city: Installation, folder: Path, who: str = OWN) -> None:
    """Make an account that signs in with a password."""
    first = folder / "password"
    first.write_text(_PASSWORD)
    done = city.run(
        "account", "add", _NAMES[who], "--unit", "city", "--role", "operator", "--password-file", str(first)
    )  # fmt: skip
    assert done.returncode == 0 or "name_taken" in done.stderr, done.stderr


def sign_in_by_password(page: Page, url: str, name: str) -> None:
    """Sign in as that account, and prove anew who it is; the page of a demo city shows no form for it."""
    _send(page, url, "/sign-in/", {"login": name, "password": _PASSWORD})
    _send(page, url, "/step-up/password/", {"password": _PASSWORD})


def _send(page: Page, url: str, path: str, fields: Mapping[str, str]) -> None:
    page.goto(f"{url}/sign-in/")
    token = page.locator("[name=csrfmiddlewaretoken]").first.get_attribute("value")
    answer = page.request.post(
        url + path, form={"csrfmiddlewaretoken": str(token), **fields}, headers={"Referer": f"{url}{path}"},
        max_redirects=0,
    )  # fmt: skip
    assert answer.status == 302, answer.text()


def have_an_app(page: Page, url: str) -> None:
    """Set up an authenticator app, which brings recovery codes."""
    page.goto(f"{url}/account/second-factor/app/")
    page.fill("main [name=code]", _code(page.locator("main form code").inner_text()))
    page.locator("main form button").click()
    page.wait_for_url("**/second-factor/codes/")


def _code(secret: str) -> str:
    """What an app shows now. Source: RFC 6238, section 4; RFC 4226, section 5.3."""
    steps = int(clock.now().timestamp()) // 30
    digest = hmac.digest(base64.b32decode(secret), steps.to_bytes(8), "sha1")
    return f"{int.from_bytes(digest[(at := digest[-1] & 15) : at + 4]) & 0x7FFFFFFF:010}"[-6:]


def have_a_passkey(page: Page, url: str) -> None:
    """Add a passkey, kept by an authenticator that the browser makes up."""
    browser = page.context.new_cdp_session(page)
    browser.send("WebAuthn.enable")
    browser.send("WebAuthn.addVirtualAuthenticator", {"options": {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True}})  # fmt: skip
    page.goto(f"{url}/account/second-factor/passkeys/add/")
    page.fill("main [name=name]", "the laptop")
    page.click("#passkey_add")
    page.wait_for_url("**/second-factor/")


def assign_a_matter(page: Page, url: str) -> None:
    """Have a supervisor give a grant to somebody of the unit, so that there is one to look at."""
    sign_in(page, url, "Supervisor of cases")
    page.goto(url)
    incident = str(page.locator("main a[href^='/incidents/']").first.get_attribute("href")).split("/")[2]
    page.goto(f"{url}/gate/")
    page.locator("a.button[href*='case-handling']").click()
    page.fill("[name=matter]", incident)
    holder = page.locator("[name=holder] option").filter(has_text="clerk")
    page.select_option("[name=holder]", label=holder.inner_text())
    page.locator("[name=fields_granted]").first.check()
    page.fill("[name=dwellings]", " ".join(map(str, range(1, 30))))
    page.locator("main form button").first.click()
    page.wait_for_url(f"{url}/gate/")


def go_to(page: Page, url: str, sight: Sight) -> None:
    """Open a page, by its address or by a link on another page."""
    page.goto(url + sight.path)
    if sight.link:
        address = str(page.locator(sight.link).first.get_attribute("href")).split("#")[0]
        page.goto(url + address + sight.rest)


def without_maps(page: Page) -> CDPSession:
    """Have no map drawn in this window, until the answer is detached; drawing is what costs most of the time.

    Playwright's own `route` would do it too, and load all of each page anew, without the browser's cache.
    """
    line = page.context.new_cdp_session(page)
    empty = {"responseCode": 200, "responseHeaders": [{"name": "content-type", "value": "text/javascript"}]}
    line.on("Fetch.requestPaused", lambda asked: line.send("Fetch.fulfillRequest",
                                                          {"requestId": asked["requestId"], **empty}))  # fmt: skip
    line.send("Fetch.enable", {"patterns": [{"urlPattern": "*/built/map.*.js"}]})
    return line


def faults(
    page: Page, setting: Setting, url: str, sight: Sight, *, keep: bool = True, again: bool = False
) -> Iterator[str]:
    """What is wrong with a page in one setting, in words; a picture of it is kept as an artefact of the run.

    `again` says that the page is open in another setting of this language, so that only its width is looked at: words
    and marks are the same, and `tests/ui/test_tokens.py` holds the colours of both themes on every ground.
    """
    page.context.add_cookies([{"name": "django_language", "url": url,
                               "value": "zh-hans" if setting.language == "zh-Hans" else "en"}])  # fmt: skip
    page.set_viewport_size({"width": setting.width, "height": _HEIGHT})
    page.emulate_media(color_scheme=setting.theme)  # type: ignore[arg-type]
    if not again:
        go_to(page, url, sight)
    if keep:
        _keep(page, f"{sight.name}-{sight.who}-{setting}")
    yield from (f"{sight}, {setting}: {fault}" for fault in _found(page, setting, again=again))


def _keep(page: Page, name: str) -> None:
    folder = Path(os.environ.get("CITYLOOM_ARTEFACTS") or ROOT / "build") / "pictures"
    page.screenshot(path=folder / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.png")


def _found(page: Page, setting: Setting, *, again: bool) -> Iterator[str]:
    if page.evaluate("document.documentElement.lang") != setting.language:
        yield "the page does not say which language it is in"
    if (wider := page.evaluate(_WIDER)) > 0:
        yield f"{wider} px wider than the window: {page.evaluate(_PAST)}"
    if again:
        return
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe())
        page.add_init_script(axe())  # the pages after this one have it from the start
    yield from said_by_axe(page)
    page.keyboard.press("Tab")
    for element in page.evaluate(_FOCUS):
        yield f"the focus cannot be seen on {element}"


def said_by_axe(page: Page, rules: object = _STANDARDS) -> Iterator[str]:
    outcome = page.evaluate(_AXE, rules)
    for kind in ("violations", "incomplete"):
        for rule in outcome[kind]:
            for node in rule["nodes"]:
                if kind == "violations" or not _is_settled(page, rule["id"], node):
                    yield f"{kind} {rule['id']}: {node['target']} {node['html'][:160]} {_why(node)}"


def _is_settled(page: Page, rule: str, node: Mapping[str, Any]) -> bool:
    """Whether what axe leaves open is reviewed, or is a contrast that the element's own colours settle."""
    if any(rule == known and part in node["html"] for known, part in REVIEWED):
        return True
    is_open = rule == "color-contrast" and any(words in _why(node) for words in _OPEN)
    return is_open and page.evaluate(_CONTRAST, node["target"][0]) >= _ENOUGH


def _why(node: Mapping[str, Any]) -> str:
    return " ".join(one["message"] for one in [*node["any"], *node["all"], *node["none"]])[:200]
