"""The map in a real browser: drawn, used by mouse and keyboard, shared, looked back on, failing with a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, StorageState

from tests.browser import look, mapped
from tests.browser.conftest import Opened, overflow, tab_to
from tests.browser.mapped import Stub, drawn, pixels, point, state, until
from tests.flow.served import Served

pytestmark = pytest.mark.chromium
Window = Callable[..., Page]
UNANSWERED = ("Failed to load resource",)
NO_WEBGL = (
    "const real = HTMLCanvasElement.prototype.getContext; HTMLCanvasElement.prototype.getContext ="
    " function (kind, ...more) { return /webgl/.test(kind) ? null : real.call(this, kind, ...more) }"
)


@pytest.fixture
def city_says() -> Stub:
    return Stub()


@pytest.fixture(scope="module")
def seat(chromium: Browser, served_city: Served) -> StorageState:
    """What the browser of a commander keeps who has signed in."""
    with chromium.new_context(locale="en-GB") as context:
        mapped.sign_in(context.new_page(), served_city)
        return context.storage_state()


@pytest.fixture
def on_map(opened: Opened, served_city: Served, seat: StorageState, city_says: Stub) -> Window:
    """A window of the commander with the map open, its city answered by the stub."""
    mapped.need_the_island()

    def show(address: str = "/map/", script: str = "", **window: object) -> Page:
        page = opened(storage_state=seat, maps=True, **window)
        page.route(re.compile(r"/map/(layers\.json|live/|card/|search)"), city_says.answer)
        if script:
            page.add_init_script(script)
        page.goto(f"{served_city.url}{address}")
        return page

    return show


def test_it_draws_what_the_city_says_and_what_happens_then(on_map: Window, city_says: Stub) -> None:
    page = on_map()
    assert state(page) == "idle"
    until(page, "1", lambda _: drawn(page, "incidents") == ["Burst main"])
    disc, ground = pixels(page, 0, 0), pixels(page, -200, -200)
    assert disc[:3] == [0x9B, 0x1C, 0x12]
    assert ground[:3] == [0xF4, 0xF0, 0xE8]
    assert not page.locator(".map-absent").is_visible()
    city_says.features["incidents"].append(point(3, "Gas leak", -0.004, exercise=True))
    tell(page)
    until(page, "1", lambda _: drawn(page, "incidents") == ["Burst main", "Gas leak"])
    assert page.locator(".map-exercise-mark").is_visible()
    page.emulate_media(color_scheme="dark")
    # the colours change over some frames
    until(page, "1", lambda _: pixels(page, -200, -200)[:3] == [0x15, 0x1C, 0x23])


def test_chinese_names_are_drawn_without_the_systems_fonts(on_map: Window, city_says: Stub) -> None:
    city_says.features["incidents"] = [point(1, "市市市市")]
    page = on_map(locale="zh-CN", color_scheme="dark", width=320, height=640)
    assert state(page) == "idle"
    one = pixels(page, 0, 30, 80, 24)
    city_says.features["incidents"] = [point(1, "路路路路")]
    tell(page)
    until(page, "1", lambda _: drawn(page, "incidents") == ["路路路路"])
    assert pixels(page, 0, 30, 80, 24) != one  # boxes that stand for missing letters would be the same
    assert page.locator("[data-tool=layers]").inner_text() == "图层"
    nobody_is_kept_out(page)


def test_it_is_used_by_keyboard_alone(on_map: Window) -> None:
    page = on_map(width=1200, height=500)
    assert state(page) == "idle"
    assert page.get_by_label("Tasks").is_disabled()
    assert "Only commanders see it." in page.locator(".map-side").inner_text()
    tab_to(page, "input[data-key=teams]")
    page.keyboard.press("Space")
    until(page, "1", lambda _: drawn(page, "teams") == ["Team seven"])
    assert page.evaluate("document.activeElement.dataset.key") == "teams"
    tab_to(page, "[data-tool=list]")  # what is in view is a list
    page.keyboard.press("Enter")
    tab_to(page, ".map-things button")
    page.keyboard.press("Enter")
    page.locator(".map-card dd", has_text="14:03").wait_for()
    tab_to(page, "[data-tool=measure]")
    page.keyboard.press("Enter")
    for place in ("[114.06, 22.54]", "[114.07, 22.54]", "[114.07, 22.55]"):
        page.evaluate(f"document.querySelector('[data-map]').map.jumpTo({{center: {place}}})")
        tab_to(page, "[data-key=add]")
        page.keyboard.press("Enter")
    said = page.locator(".map-measured").inner_text()
    assert re.fullmatch(r"Distance: 2\.14 km · Area: 57\d,\d{3} m²", said), said  # 1,027 m east and 1,112 m north
    tab_to(page, ".map-search input")
    page.keyboard.type("hospi")
    page.locator("[role=option]", has_text="Central hospital").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    until(page, "document.querySelector('[data-map]').map.getCenter().toArray().map(n => n.toFixed(3)).join()",
          lambda centre: centre == "114.070,22.550")  # fmt: skip


def test_a_click_opens_a_card_and_a_script_in_a_name_stays_text(on_map: Window, city_says: Stub) -> None:
    name = "<img src=x onerror=alert(1)>"
    city_says.features["incidents"] = [point(1, name)]
    wrong = {"type": "circle", "paint": {"circle-radius": {"no": "such"}}}  # it harms no other layer
    city_says.layers.insert(0, mapped.live_layer("wrong", "Wrong", style=[wrong]))
    page = on_map(excused=("wrong-0",))
    assert state(page) == "idle"
    until(page, "1", lambda _: drawn(page, "incidents") == [name])
    box = page.locator(".map-canvas canvas").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator(".map-side h2", has_text=name).wait_for()
    page.locator(".map-card dd", has_text="14:03").wait_for()
    page.keyboard.press("Escape")
    assert page.locator(".map-side").is_hidden()
    page.locator("[data-tool=list]").click()
    assert page.locator(".map-things button").inner_text() == name
    assert page.locator(".map-box img").count() == 0
    page.locator("[data-tool=layers]").click()
    page.get_by_label("Incidents").uncheck()
    until(page, "1", lambda _: drawn(page, "incidents") == [])


def test_a_shared_address_shows_the_same_view(on_map: Window, city_says: Stub) -> None:
    page = on_map("/map/#map=16.50/22.54200/114.06300&layers=teams&at=2026-11-26T14:07:00.000Z")
    assert state(page) == "idle"
    assert page.evaluate("document.querySelector('[data-map]').map.getZoom()") == 16.5
    until(page, "1", lambda _: drawn(page, "teams") == ["Team seven"])
    assert drawn(page, "incidents") == []
    assert "live/teams.json?at=2026-11-26T14%3A07%3A00.000Z" in city_says.asked
    assert "As known at" in page.locator(".map-past").inner_text()
    page.locator("[data-tool=share]").click()
    address = page.locator("[data-key=address]").input_value()
    assert address.endswith("#map=16.50/22.54200/114.06300&layers=teams&at=2026-11-26T14:07:00.000Z")
    page.locator(".map-past button").click()
    until(page, "1", lambda _: city_says.asked[-1] == "live/teams.json")


def test_a_place_is_chosen_for_a_form_by_keyboard(opened: Opened, served_city: Served) -> None:
    mapped.need_the_island()
    page = opened(maps=True)
    page.goto(f"{served_city.url}/report/")
    page.locator("details.by-map summary").press("Enter")
    assert state(page) == "idle"
    tab_to(page, ".map-pick button")
    page.keyboard.press("Enter")
    assert re.fullmatch(r"1\d\d\.\d{6},\d\d\.\d{6}", page.locator("#id_place").input_value())
    assert page.locator(".maplibregl-marker").count() == 1


def test_without_webgl_the_words_remain(on_map: Window) -> None:
    page = on_map(script=NO_WEBGL)
    assert state(page) == "failed"
    assert "WebGL 2 is missing" in page.locator("[data-map] [role=alert]").inner_text()
    assert page.locator("#in-words").is_visible()
    assert page.locator(".map-box").count() == 0


def test_a_city_that_does_not_answer_is_said_and_asked_again(on_map: Window, city_says: Stub) -> None:
    city_says.status = 503
    page = on_map(excused=UNANSWERED)
    assert state(page) == "failed"
    assert "The register is being rebuilt." in page.locator("[data-map] [role=alert]").inner_text()
    assert page.locator("#in-words").is_visible()
    city_says.status = 200
    page.locator("[data-map] [role=alert] button").click()
    assert until(page, "document.querySelector('[data-map]').dataset.state", lambda found: found == "idle")


def test_nobody_is_kept_out_of_a_drawn_map(on_map: Window) -> None:
    page = on_map(width=1440)
    assert state(page) == "idle"
    nobody_is_kept_out(page)
    page.set_viewport_size({"width": 320, "height": 640})
    assert overflow(page) == 0


def nobody_is_kept_out(page: Page) -> None:
    """Look at the map with each of its parts open, and at a card."""
    page.evaluate(look.axe())
    for tool in ("layers", "list", "measure", "past", "share"):
        if page.locator(f"[data-tool={tool}][aria-expanded=false]").count():
            page.locator(f"[data-tool={tool}]").click()
        assert overflow(page) == 0, tool
        assert list(look.said_by_axe(page)) == [], tool
    page.locator("[data-tool=list]").click()
    page.locator(".map-things button").first.click()
    page.locator(".map-card dd").first.wait_for()
    assert list(look.said_by_axe(page)) == [], "card"
    assert overflow(page) == 0


def tell(page: Page) -> None:
    """Say that an incident was opened, as the live line does."""
    page.evaluate("document.dispatchEvent(new CustomEvent('cityloom:event', {detail: {type: 'IncidentOpened'}}))")
