"""A map of a few made-up things, answered in the browser itself, and how tests look at what is drawn."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from cityloom.ui import built
from tests.flow.served import Served
from tests.required import missing

PATIENCE_S = 30
CENTRE = (114.06, 22.54)
_LEGEND = [{"swatch": "--map-incident", "label": "Open", "shape": "point"}]


def need_the_island() -> None:
    """Skip where the map was not built; fail where a browser is required."""
    if built.parts_of("map/index.ts") is None:
        missing("chromium", "the map is not built; run `make islands`")


def point(number: int, title: str, east: float = 0.0, **more: object) -> dict[str, Any]:
    """A feature with a title, so many degrees east of the middle."""
    facts = {"id": f"01-{number}", "title": title, "state": "open", **more}
    at = [CENTRE[0] + east, CENTRE[1]]
    return {"type": "Feature", "id": number, "geometry": {"type": "Point", "coordinates": at}, "properties": facts}


def live_layer(key: str, label: str, **more: object) -> dict[str, Any]:
    """A live layer of discs with their titles below."""
    style = [
        {"type": "circle", "paint": {"circle-radius": 12, "circle-color": "--map-incident"}},
        {"type": "symbol", "layout": {"text-field": ["get", "title"], "text-size": 20, "text-offset": [0, 1.5]},
         "paint": {"text-color": "--map-text"}},
    ]  # fmt: skip
    known = {"key": key, "label": label, "section": "now", "kind": "live", "url": f"/map/live/{key}.json"}
    return known | {"style": style, "on": True, "card": True, "events": ["IncidentOpened"], "legend": _LEGEND} | more


class Stub:
    """What the city answers about its map; a test changes it before the page opens or while it is open."""

    def __init__(self) -> None:
        self.layers = [
            live_layer("incidents", "Incidents"),
            live_layer("teams", "Teams", on=False),
            {"key": "tasks", "label": "Tasks", "section": "now", "kind": "live", "why_not": "Only commanders see it."},
        ]
        self.features = {"incidents": [point(1, "Burst main")], "teams": [point(2, "Team seven", 0.004)]}
        self.asked: list[str] = []
        self.status = 200

    def answer(self, route: Route) -> None:
        path = route.request.url.split("/map/", 1)[1]
        self.asked.append(path)
        if self.status != 200:
            route.fulfill(status=self.status, json={"code": "map.down", "sentence": "The register is being rebuilt."})
            return
        route.fulfill(json=self._body(path.split("?", maxsplit=1)[0]))

    def _body(self, path: str) -> dict[str, Any]:
        if path == "layers.json":
            return {
                "version": "1", "attribution": "© <b>nobody</b>", "bounds": [114.0, 22.5, 114.1, 22.6],
                "view": [*CENTRE, 15], "sources": {}, "sections": [{"key": "now", "label": "Situation"}],
                "layers": self.layers, "card": "/map/card/{layer}/{id}/", "search": "/map/search",
            }  # fmt: skip
        if path.startswith("live/"):
            key = path.removeprefix("live/").removesuffix(".json")
            return {"type": "FeatureCollection", "features": self.features.get(key, [])}
        if path.startswith("card/"):
            return {"title": "Burst main", "state": "open", "facts": [["Opened", "14:03"]], "url": "/health/"}
        hit = {"title": "Central hospital", "subtitle": "Hospital", "url": "", "place": [114.07, 22.55]}
        return {"q": "", "groups": [{"key": "places", "label": "Places", "hits": [hit]}]}


def until(page: Page, script: str, wanted: Callable[[Any], bool] = bool) -> Any:
    """Ask the page again and again; its policy forbids Playwright's own way of waiting."""
    end = time.monotonic() + PATIENCE_S
    while True:
        found = page.evaluate(script)
        if wanted(found):
            return found
        if time.monotonic() > end:
            pytest.fail(f"{script} stayed {found!r}")
        time.sleep(0.1)


def state(page: Page) -> str:
    """How the map ends: `idle` or `failed`."""
    return until(page, "document.querySelector('[data-map]').dataset.state", lambda found: found in ("idle", "failed"))


def drawn(page: Page, layer: str) -> list[str]:
    """The titles of what is drawn of a layer."""
    return page.evaluate(
        "layer => { const {map} = document.querySelector('[data-map]'); const layers = map.getStyle().layers"
        ".map(one => one.id).filter(id => id.startsWith(`${layer}-`));"
        "return [...new Set(map.queryRenderedFeatures({layers}).map(one => one.properties.title))].sort() }", layer
    )  # fmt: skip


PIXELS = """([dx, dy, wide, tall]) => new Promise(done => {
  const {map} = document.querySelector('[data-map]'), canvas = map.getCanvas();
  map.once('render', () => {
    const gl = canvas.getContext('webgl2'), box = new Uint8Array(wide * tall * 4);
    const scale = canvas.width / canvas.clientWidth;
    const x = canvas.width / 2 + dx * scale - wide / 2, y = canvas.height / 2 - dy * scale - tall / 2;
    gl.readPixels(x, y, wide, tall, gl.RGBA, gl.UNSIGNED_BYTE, box);
    done(Array.from(box));
  });
  map.triggerRepaint();
})"""


def pixels(page: Page, dx: int, dy: int, wide: int = 16, tall: int = 16) -> list[int]:
    """Red, green, blue and opacity of each pixel of a box; its middle is so far right of and below the map's."""
    return page.evaluate(PIXELS, [dx, dy, wide, tall])


def sign_in(page: Page, served: Served, role: str = "commander") -> None:
    """Sign in as the demo account of a role."""
    page.goto(f"{served.url}/sign-in/")
    page.locator("ul.roles button", has=page.locator(f".small:text-is('{role}')")).click()
    page.wait_for_url(f"{served.url}/")
