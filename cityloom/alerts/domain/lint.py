"""What the schema of CAP does not notice: faults that made real alerts wrong, late or unreadable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import shapely

from cityloom.alerts.domain import polygons
from cityloom.alerts.domain.cap import CapAlert, CapArea, CapInfo, time_from
from cityloom.alerts.domain.findings import Finding

Bounds = tuple[float, float, float, float]
"""West, south, east, north in degrees."""
LONGEST_LIFE = timedelta(hours=24)
_BAD_IN_IDENTIFIER = re.compile(r"[\s,<&]")
_CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_LETTER = re.compile(r"[^\W\d_]")
_BETWEEN_PLACES = re.compile(r"[,;、，；。\n]")
_FAR_AROUND = 0.5  # degrees; a swapped area just beyond the edge of the city is a swapped area too


def lint(alert: CapAlert, *, at: datetime, bounds: Bounds | None = None, exercise: bool | None = None) -> list[Finding]:
    """Everything wrong with a structurally valid alert; `bounds` is the city's box, `exercise` whether it is one."""
    return [
        *_identifiers(alert), *_references(alert), *_status(alert, exercise), *_blocks(alert),
        *(finding for info in alert.infos for finding in _info(info, at, bounds)),
    ]  # fmt: skip


def _info(info: CapInfo, at: datetime, bounds: Bounds | None) -> Iterator[Finding]:
    where = f"info[{info.language}]"
    yield from _expiry(info, at, where)
    yield from _language(info, where)
    yield from _place(info, where)
    for area in info.areas:
        yield from _area(area, bounds, where)


def _identifiers(alert: CapAlert) -> Iterator[Finding]:
    for name, text in (("identifier", alert.identifier), ("sender", alert.sender)):
        if not text or _BAD_IN_IDENTIFIER.search(text):
            yield _error("identifier_characters", "CAP forbids spaces, commas, < and & in this element, and it must "
                         "not be empty; {value} has to change.", name, text[:60])  # fmt: skip
    if alert.sent.strip().endswith("+00:00"):
        yield _warning("time_offset", "CAP writes UTC as -00:00, not +00:00 (section 3.3.2); some readers refuse "
                       "{value}.", "sent", alert.sent)  # fmt: skip


def _references(alert: CapAlert) -> Iterator[Finding]:
    if alert.message_type in ("Update", "Cancel") and not alert.references:
        yield _error("references_missing", "An {value} must name the alerts that it replaces, or phones keep showing "
                     "them; add sender,identifier,sent of each.", "references", alert.message_type)  # fmt: skip
    if alert.message_type == "Alert" and alert.references:
        yield _error("references_unexpected", "A first Alert replaces nothing, but it names {value} earlier alerts; "
                     "send it as Update or remove the references.", "references", len(alert.references))  # fmt: skip
    for reference in alert.references:
        parts = reference.split(",")
        if len(parts) != 3 or not all(parts) or time_from(parts[2]) is None:
            yield _error("reference_form", "{value} is not of the form sender,identifier,sent; receivers could not "
                         "find the earlier alert.", "references", reference[:60])  # fmt: skip


def _status(alert: CapAlert, exercise: bool | None) -> Iterator[Finding]:
    if exercise is not None and exercise != (alert.status == "Exercise"):
        yield _error("exercise_status", "The status is {value}, but the alert is meant as {limit}; people would act "
                     "on the wrong one.", "status", alert.status,
                     "Exercise" if exercise else "something other than an exercise")  # fmt: skip
    if alert.status == "Exercise" and not alert.note.strip():
        yield _warning("exercise_note", "CAP asks that the note of an exercise says which exercise it is.", "note")


def _blocks(alert: CapAlert) -> Iterator[Finding]:
    languages = [info.language for info in alert.infos]
    if not languages and alert.message_type in ("Alert", "Update"):
        yield _error("no_words", "The alert says nothing in any language; add an info block.", "alert")
    for language in sorted({name for name in languages if languages.count(name) > 1}):
        yield _warning("language_twice", "There is more than one block in {value}; phones show one of them only.",
                       "alert", language)  # fmt: skip


def _expiry(info: CapInfo, at: datetime, where: str) -> Iterator[Finding]:
    expires = time_from(info.expires)
    if expires is None:
        yield _warning("expires_missing", "Without an expiry each channel chooses one of its own; set one.", where)
    elif expires <= at:
        yield _error("expires_past", "The alert expired at {value}, so channels drop it without a word; set a later "
                     "expiry.", where, info.expires)  # fmt: skip
    elif expires > at + LONGEST_LIFE:
        yield _warning("expires_late", "The alert lives until {value}, more than {limit} hours: phones show it again "
                       "after that time and mobile networks may refuse it; send an Update later instead.",
                       where, info.expires, int(LONGEST_LIFE.total_seconds() // 3600))  # fmt: skip


def _language(info: CapInfo, where: str) -> Iterator[Finding]:
    chinese = info.language.lower().startswith("zh")
    for name in ("event", "headline", "description", "instruction"):
        text = getattr(info, name)
        letters, ideographs = len(_LETTER.findall(text)), len(_CHINESE.findall(text))
        if (chinese and letters and not ideographs) or (not chinese and ideographs * 2 > letters):
            yield _error("language_wrong", "The {value} is not in the language of its block, {limit}; readers who "
                         "chose that language could not read it.", f"{where}/{name}", name, info.language)  # fmt: skip
        elif not chinese and ideographs:
            yield _warning("language_mixed", "The {value} mixes Chinese into a block in {limit}; speech output and "
                           "old phones garble it.", f"{where}/{name}", name, info.language)  # fmt: skip


def _place(info: CapInfo, where: str) -> Iterator[Finding]:
    said = f"{info.headline}\n{info.description}".casefold()
    for area in info.areas:
        words = area.words.strip().casefold()
        places = [words, *(part.strip() for part in _BETWEEN_PLACES.split(words))]
        if not any(len(place) > 1 and place in said for place in places):
            yield _error("no_place", "Neither headline nor description names the place ({value}), so whoever gets the "
                         "alert by mistake cannot tell that it is not for them; name it.",
                         where, area.words.strip()[:80])  # fmt: skip
    if not info.areas:
        yield _error("no_area", "The block has no area, so a channel would send it to everybody; add one.", where)


def _area(area: CapArea, bounds: Bounds | None, where: str) -> Iterator[Finding]:
    if not (area.polygons or area.circles or area.geocodes):
        yield _error("no_geometry", "The area is only described in words, so a channel cannot find the phones in it; "
                     "add a polygon.", where)  # fmt: skip
    for number, text in enumerate(area.polygons, 1):
        yield from _polygon(text, bounds, f"{where}/polygon[{number}]")


def _polygon(text: str, bounds: Bounds | None, where: str) -> Iterator[Finding]:
    points = polygons.points_of(text)
    if points is None:
        yield _error("polygon_text", "The polygon is not a list of latitude,longitude pairs.", where)
        return
    if len(points) < 4:
        yield _error("ring_short", "The polygon has {value} points; a ring needs at least {limit}.", where,
                     len(points), 4)  # fmt: skip
        return
    if points[0] != points[-1]:
        yield _error("ring_open", "The ring is not closed: its last point must repeat the first.", where)
        return
    if len(points) > polygons.MAX_VERTICES:
        yield _warning("ring_long", "The polygon has {value} points, more than the {limit} that mobile networks "
                       "take; simplify it without cutting anyone out.", where,
                       len(points), polygons.MAX_VERTICES)  # fmt: skip
    yield from _shape(shapely.Polygon(points), where)
    yield from _position(shapely.Polygon(points), bounds, where)


def _shape(polygon: shapely.Polygon, where: str) -> Iterator[Finding]:
    if polygon.convex_hull.area == 0:
        yield _error("ring_flat", "The polygon has no area, so it reaches nobody.", where)
    elif not polygon.is_valid:
        yield _error("ring_crossing", "The ring touches or crosses itself, so what lies inside is undecided.", where)


def _position(polygon: shapely.Polygon, bounds: Bounds | None, where: str) -> Iterator[Finding]:
    world = (-180.0, -90.0, 180.0, 90.0)
    if not _within(polygon, world):
        swapped = _within(_swapped(polygon), world)
        yield _axis_order(where) if swapped else _error(
            "out_of_range", "The polygon leaves the range of latitude and longitude.", where)  # fmt: skip
    elif bounds and not polygon.intersects(shapely.box(*bounds)):
        if _swapped(polygon).intersects(shapely.box(*_grown(bounds))):
            yield _axis_order(where)
        else:
            yield _error("outside_city", "The polygon lies outside the city; check the coordinates.", where)


def _axis_order(where: str) -> Finding:
    return _error("axis_order", "The coordinates are longitude,latitude; CAP has latitude,longitude. As they stand, "
                  "the alert would go to another part of the world.", where)  # fmt: skip


def _within(polygon: shapely.Polygon, bounds: Bounds) -> bool:
    west, south, east, north = polygon.bounds
    return west >= bounds[0] and south >= bounds[1] and east <= bounds[2] and north <= bounds[3]


def _swapped(polygon: shapely.Polygon) -> shapely.Polygon:
    return shapely.transform(polygon, lambda corners: corners[:, ::-1])


def _grown(bounds: Bounds) -> Bounds:
    west, south, east, north = bounds
    return west - _FAR_AROUND, south - _FAR_AROUND, east + _FAR_AROUND, north + _FAR_AROUND


def _error(code: str, template: str, where: str, value: object = None, limit: object = None) -> Finding:
    return Finding(f"alerts.{code}", "error", template, where, value, limit)


def _warning(code: str, template: str, where: str, value: object = None, limit: object = None) -> Finding:
    return Finding(f"alerts.{code}", "warning", template, where, value, limit)
