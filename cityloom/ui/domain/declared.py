"""What a capability declares to the user interface in its `display` room, and the values that its callables give.

A declaration names its callables by dotted path (`"cityloom.signals.queries.map_sensors"`), since `display` lies below
`queries`; they are imported when a page first needs them. Words are English, marked with `gettext_noop`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

EVERYONE: frozenset[str] = frozenset()
"""No role is asked for."""

Section = Literal["now", "work", "people", "oversight", "city", "system"]
SECTIONS: tuple[Section, ...] = ("now", "work", "people", "oversight", "city", "system")
"""The parts of the navigation, in their order."""

Urgency = Literal["now", "today", "later"]
URGENCIES: tuple[Urgency, ...] = ("now", "today", "later")


@dataclass(frozen=True)
class Page:
    """An entry of the navigation: what a role may not open stays visible, with `why_not` beside it.

    `is_public` puts it at the head of the portal, for residents and whoever is not signed in, instead of the cockpit.
    """

    url_name: str
    label: str
    section: Section
    order: int = 50
    roles: frozenset[str] = EVERYONE
    why_not: str = ""
    is_public: bool = False


@dataclass(frozen=True)
class LegendItem:
    """One line of a layer's legend; `swatch` is a class of the map's sheet or a token (`--map-zone`)."""

    swatch: str
    label: str


@dataclass(frozen=True)
class Layer:
    """A layer of the map.

    `kind` "tile": `source(west, south, east, north, zoom) -> Features`, for what changes with the city's data version
    only; it is cut into vector tiles and cached. `kind` "live": `source(actor, at) -> GeoJSON FeatureCollection` of at
    most a few thousand features, asked for again when one of `events` happens; `at` None is now, an instant is "as
    known then". Each live feature has `id`, `properties.title` and may have `properties.state`, `.url`, `.card`.
    `style` is a sequence of MapLibre style layers without `id`, `source` and `source-layer`; colours may be tokens
    (`"--map-water"`), which the map replaces by the theme's, and `"@name"` is the feature's name (`name`, `name_zh`) in
    the reader's language. `card` is `card(actor, feature id as text, at) -> Card | None`.
    `revision` is `revision() -> str` of a tile layer that changes without the city's data, seldom: all tiles are then
    drawn again. `actor` is None where everybody looks on; only layers with `is_public` are asked then.
    `asks` names the words of a page's query that narrow a live layer: its source gets them as a third argument, a
    mapping; its collection may say in `left_out` how many features it has beyond those that it sends.
    """

    key: str
    label: str
    kind: Literal["tile", "live"]
    source: str
    style: Sequence[Mapping[str, Any]]
    legend: Sequence[LegendItem] = ()
    section: str = "ground"
    order: int = 50
    min_zoom: int = 0
    max_zoom: int = 24
    is_on: bool = True
    is_public: bool = False
    roles: frozenset[str] = EVERYONE
    why_not: str = ""
    events: frozenset[str] = frozenset()
    card: str = ""
    revision: str = ""
    asks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Features:
    """What a tile layer shows in a rectangle: shapely geometries in WGS 84, one id each, and columns of properties."""

    geometry: NDArray[np.object_]
    id: NDArray[np.int64]
    properties: Mapping[str, NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Card:
    """What a click on something shows: a title, facts as pairs of words, and where to read on."""

    title: str
    facts: Sequence[tuple[str, str]] = ()
    url: str = ""
    state: str = ""
    note: str = ""


@dataclass(frozen=True)
class Search:
    """A source of the search: `source(actor, text, limit) -> Sequence[Hit]`, answered within 50 ms.

    `text` has no controls and no more than a hundred signs; `actor` is None where everybody searches.
    """

    key: str
    label: str
    source: str
    order: int = 50
    is_public: bool = False


@dataclass(frozen=True)
class Hit:
    """Something found: where to read on, and where it lies if it lies anywhere (longitude, latitude)."""

    title: str
    subtitle: str = ""
    url: str = ""
    place: tuple[float, float] | None = None


@dataclass(frozen=True)
class KeyFigure:
    """A figure of the overview: `source(actor, at) -> Reading`; `definition` says what is counted, and what is not.

    It measures the city, organisations, places and services, never a person. `is_public` opens it to everybody; where
    it `counts_people`, counts of 7 or fewer are then withheld and the others rounded to 5.
    """

    key: str
    label: str
    definition: str
    source: str
    unit: str = ""
    order: int = 50
    is_public: bool = False
    roles: frozenset[str] = EVERYONE
    url_name: str = ""
    events: frozenset[str] = frozenset()
    counts_people: bool = False


@dataclass(frozen=True)
class Reading:
    """A figure's value, or None with `why_none`; `series` is (instant, value) in time order, for the sparkline."""

    value: float | None
    series: Sequence[tuple[datetime, float]] = ()
    state: Literal["", "good", "wait", "bad"] = ""
    note: str = ""
    why_none: str = ""


@dataclass(frozen=True)
class WorkList:
    """What waits for whoever is signed in: `source(actor, at) -> Sequence[WorkItem]`."""

    key: str
    label: str
    source: str
    order: int = 50
    roles: frozenset[str] = EVERYONE
    events: frozenset[str] = frozenset()


MOST_WORK = 100
"""Of one list; a source that gives as many may have left out what waits for less long."""


@dataclass(frozen=True)
class WorkItem:
    """One thing that waits: what it is, since when, by when, and the page where it is done."""

    title: str
    url: str
    urgency: Urgency = "today"
    since: datetime | None = None
    due_at: datetime | None = None
    note: str = ""
    is_exercise: bool = False


@dataclass(frozen=True)
class Watch:
    """A line of the system's health: `source(actor, at) -> Sequence[Fault]`; no fault is good news, and is shown."""

    key: str
    label: str
    source: str
    order: int = 50
    good_words: str = ""


@dataclass(frozen=True)
class Fault:
    """Something that does not work as it should: what, since when, and what to do."""

    title: str
    state: Literal["wait", "bad"] = "wait"
    since: datetime | None = None
    url: str = ""
    note: str = ""


Horizon = Literal["now", "days", "weeks", "months"]
HORIZONS: tuple[Horizon, ...] = ("now", "days", "weeks", "months")


@dataclass(frozen=True)
class Outlook:
    """A part of the risk brief: `source(unit, at) -> Sequence[Risk]`, of a branch of the tree of units, no drills.

    What may go wrong, of places, services and organisations; never of a person. It is asked at each look.
    """

    key: str
    label: str
    source: str
    order: int = 50
    good_words: str = ""


@dataclass(frozen=True)
class Risk:
    """Something that may go wrong: where, how soon, how bad (1 to 4), how it has been going, and how sure that is.

    `unit` is the branch that it lies in, "" where that is not known. `lately` and `before` are counts (or amounts) of
    two spans of equal length, in words `measure`, for the trend; None where there is none yet. `chance` is a
    probability with `low` and `high` where one is known; `grounds` says in words what the certainty rests on.
    """

    title: str
    url: str
    horizon: Horizon
    severity: int
    unit: str = ""
    lately: float | None = None
    before: float | None = None
    measure: str = ""
    chance: float | None = None
    low: float | None = None
    high: float | None = None
    grounds: str = ""
    since: datetime | None = None
    note: str = ""


@dataclass(frozen=True)
class Service:
    """Something that a resident can ask for, found by the search of the portal.

    `event` is the life event (`moving`, `safety`, `my-data`, ...) that groups it; `words` are what people call it.
    """

    key: str
    title: str
    summary: str
    url_name: str
    event: str
    words: Sequence[str] = ()
    order: int = 50


@dataclass(frozen=True)
class Display:
    """All that one capability declares.

    `moments` names what happens, for the timeline of the overview: by the type of the event, a few words.
    """

    pages: Sequence[Page] = ()
    layers: Sequence[Layer] = ()
    searches: Sequence[Search] = ()
    figures: Sequence[KeyFigure] = ()
    work: Sequence[WorkList] = ()
    watches: Sequence[Watch] = ()
    outlooks: Sequence[Outlook] = ()
    services: Sequence[Service] = ()
    moments: Mapping[str, str] = field(default_factory=dict)
