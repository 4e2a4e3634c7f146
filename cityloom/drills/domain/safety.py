"""Safety checks: what must hold after a drill, each computed apart from the code that it checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from cityloom.kernel import canonical, geometry


@dataclass(frozen=True)
class Check:
    """One safety check: whether it held, and what was found."""

    name: str
    passed: bool
    detail: str

    def as_json(self) -> dict[str, object]:
        """The form in which the report keeps it."""
        return {"name": self.name, "passed": self.passed, "detail": self.detail}


def noticed(detections: Sequence[tuple[float, float, datetime]], place: tuple[float, float], start: datetime) -> Check:
    """The event was noticed where it happened, not before it happened, and nothing was noticed elsewhere."""
    away = [geometry.distance_m(*place, lon, lat) for lon, lat, _ in detections]
    early = sum(at < start for _, _, at in detections)
    passed = bool(away) and max(away, default=0) <= 250 and not early
    detail = f"{len(away)} detection, {max(away, default=0):.0f} m from the place" if away else "nothing was noticed"
    return Check("the event was noticed, and nothing else", passed, detail + (f", {early} too early" if early else ""))


def whole_zone(
    document: Mapping[str, Any], hazard: tuple[float, float, float], ids: NDArray[np.int64],
    footprints: NDArray[np.object_],
) -> Check:  # fmt: skip
    """Every building that touches the circle of hazard and buffer is in the approved document.

    `hazard` is longitude, latitude, radius with buffer in metres; `footprints` are all buildings around, in WGS 84.
    """
    lon, lat, radius_m = hazard
    plane = geometry.LocalProjection(lon, lat)
    touched = shapely.distance(plane.to_metres(footprints), shapely.Point(0, 0)) <= radius_m
    missing = set(ids[touched].tolist()) - set(document["buildings"])
    return Check(
        "every building that the buffer touches is in the zone", not missing,
        f"{int(touched.sum())} touched, {len(document['buildings'])} in the zone, {len(missing)} left out",
    )  # fmt: skip


def covered(polygons: Sequence[shapely.Polygon], footprints: NDArray[np.object_]) -> Check:
    """The polygons as sent cover each building of the zone."""
    area = shapely.union_all(list(polygons))
    outside = int((~shapely.covers(area, footprints)).sum()) if len(footprints) else 0
    corners = max((len(shapely.get_coordinates(polygon)) for polygon in polygons), default=0)
    return Check(
        "the polygon as sent covers every building of the zone", bool(polygons) and not outside,
        f"{len(polygons)} polygon with at most {corners} corners, {outside} buildings cut",
    )  # fmt: skip


def everyone_placed(plan: Mapping[str, Any], households: int, people: int) -> Check:
    """Each household of the zone has one shelter, or is listed as having none.

    `households` and `people` were counted in the register, apart from the plan.
    """
    placed = sum(row["households"] for row in plan["allocation"])
    listed = sum(row["households"] for row in plan["unplaced"])
    heads = sum(row["people"] for row in plan["allocation"]) + sum(row["people"] for row in plan["unplaced"])
    return Check(
        "every household is placed once or listed", placed + listed == households and heads == people,
        f"{placed} placed, {listed} listed, {households} in the register ({people} people)",
    )  # fmt: skip


def within_capacity(plan: Mapping[str, Any]) -> Check:
    """No shelter takes more people than it has places."""
    people: Counter[int] = Counter()
    for row in plan["allocation"]:
        people[row["shelter_id"]] += row["people"]
    places = {shelter["id"]: shelter["places"] for shelter in plan["shelters"]}
    over = [shelter for shelter, count in people.items() if count > places.get(shelter, 0)]
    return Check("no shelter is over its capacity", not over, f"{len(people)} shelters used, {len(over)} over capacity")


def routes_avoid(plan: Mapping[str, Any], hazard: tuple[float, float, float]) -> Check:
    """No route comes into the hazard itself."""
    lon, lat, radius_m = hazard
    plane = geometry.LocalProjection(lon, lat)
    lines = [shapely.LineString(route["line"]) for route in plan["routes"] if len(route["line"]) > 1]
    nearest = [float(shapely.distance(plane.to_metres(line), shapely.Point(0, 0))) for line in lines]
    entering = sum(distance < radius_m - 0.2 for distance in nearest)
    return Check("no route enters the hazard", not entering, f"{len(lines)} routes, {entering} entering")


def two_people(document: Mapping[str, Any], approvals: Sequence[tuple[str, str, str]]) -> Check:
    """Two accounts approved exactly these bytes; `approvals` are account, role and digest."""
    digest = canonical.digest(dict(document))
    accounts = {account for account, _, given in approvals if given == digest}
    roles = {role for _, role, given in approvals if given == digest}
    return Check(
        "two people approved the same bytes", len(accounts) >= 2 and {"commander", "alert-approver"} <= roles,
        f"{len(accounts)} accounts, SHA-256 {digest[:16]}…",
    )  # fmt: skip


def as_approved(alerts: Collection[tuple[str, bool]]) -> Check:
    """Each alert, read again from the bytes that left, says exactly what was approved."""
    wrong = [identifier for identifier, same in alerts if not same]
    return Check(
        "what left is what was approved", bool(alerts) and not wrong,
        f"{len(alerts)} alerts read again, {len(wrong)} differ",
    )  # fmt: skip


def never_twice(deliveries: Sequence[tuple[str, str]], received: Sequence[str]) -> Check:
    """Nobody got an alert twice; `deliveries` are alert and channel, `received` what a channel's other end kept."""
    twice = [pair for pair, count in Counter(deliveries).items() if count > 1]
    again = [key for key, count in Counter(received).items() if count > 1]
    return Check(
        "nobody was alerted twice", not twice and not again,
        f"{len(deliveries)} deliveries, {len(received)} received, {len(twice) + len(again)} repeated",
    )  # fmt: skip


def stayed_an_exercise(statuses: Collection[str], channels: Collection[str], demo: Collection[str]) -> Check:
    """Every alert had status Exercise, and only demo channels were called."""
    strange = set(channels) - set(demo)
    return Check(
        "the exercise never left its demo channels", set(statuses) <= {"Exercise"} and not strange,
        f"status {', '.join(sorted(statuses)) or 'none'}; channels {', '.join(sorted(channels)) or 'none'}",
    )  # fmt: skip


def opened_rightly(opened: int, in_tasks: int, first_at: datetime | None, approved_at: datetime | None) -> Check:
    """Nobody was opened before the approval, and only people of delivered tasks were, each with a leaf of the log."""
    early = first_at is not None and (approved_at is None or first_at < approved_at)
    return Check(
        "people were opened only after the approval, each with a leaf", not early and opened >= in_tasks,
        f"{opened} openings logged for {in_tasks} people in delivered tasks" + (", some too early" if early else ""),
    )  # fmt: skip


def closed_down(live_grants: int, open_tasks: int, stuck: int) -> Check:
    """After the end no grant is live, no task is open, and nothing waits on the bus."""
    return Check(
        "after the end nothing stays open", not (live_grants or open_tasks or stuck),
        f"{live_grants} live grants, {open_tasks} open tasks, {stuck} undelivered events",
    )  # fmt: skip


def in_time(warned_after_s: float | None, limit_s: float = 600.0) -> Check:
    """Residents were warned within ten minutes of the first signal, as in Hangzhou."""
    found = "nobody was warned" if warned_after_s is None else f"{warned_after_s:.0f} s after the first signal"
    return Check(
        "residents were warned within ten minutes", warned_after_s is not None and warned_after_s <= limit_s, found
    )


def log_holds(size: int, holds: bool) -> Check:
    """The keeper's log verifies from its first leaf to its last."""
    return Check("the log verifies", holds, f"{size:,} leaves")
