"""What the map shows of emergencies: incidents, and what is planned or ordered for them, now or as it was then.

The user interface finds these by the names in `display`; no other capability imports them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import shapely
from django.db.models import Prefetch, Q
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cityloom.emergency.domain import states
from cityloom.emergency.domain.places import CHINESE, ENGLISH, said
from cityloom.emergency.domain.words import EVENTS
from cityloom.emergency.models import Approval, Incident, Proposal
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.geometry import circle
from cityloom.ui.domain import geojson
from cityloom.ui.domain.declared import Card, Hit

MOST_INCIDENTS = 2_000
MOST_PLANS = 100
"""Of more plans at once, those of the newest incidents are drawn."""
_MOST_OF_A_KIND = 4_000
_SHELTER = {ENGLISH: "shelter", CHINESE: "安置点"}


@dataclass(frozen=True)
class _Plan:
    """What is drawn of an incident's newest evacuation at an instant; `is_ordered` once a commander has approved."""

    incident: str
    exercise: bool
    is_ordered: bool
    parts: Sequence[Any]

    @property
    def about(self) -> dict[str, object]:
        """What every feature of the plan carries."""
        return {
            "incident": self.incident, "exercise": self.exercise, "url": f"/incidents/{self.incident}/",
            "state": "ordered" if self.is_ordered else "planned",
        }  # fmt: skip


def incidents(_actor: Actor | None, at: datetime | None) -> dict[str, Any]:
    """The incidents that were going on, each in the state that it had then."""
    instant = at or clock.now()
    rows = _going_on(instant).prefetch_related(
        Prefetch("proposals", Proposal.objects.defer("document", "plan")), "proposals__approvals"
    )
    return geojson.collection(
        geojson.point(
            row.id, row.lon, row.lat, title=_event(row.category), place=_in_language(row.place),
            state=row.state if at is None else _state_at(row, instant), category=row.category,
            exercise=bool(row.exercise_id), incident=row.id, url=f"/incidents/{row.id}/",
            opened=clock.to_text(row.opened_at),
        )
        for row in rows[:MOST_INCIDENTS]
    )  # fmt: skip


def zones(_actor: Actor | None, at: datetime | None) -> dict[str, Any]:
    """The danger of every incident, and the zone and the rings that the newest plan draws around it."""
    instant = at or clock.now()
    features: list[geojson.Feature] = []
    for plan in _plans(instant, "plan__zone", "plan__rings"):
        zone, rings = plan.parts
        words = _("Zone to leave") if plan.is_ordered else _("Zone to leave, not approved yet")
        features.append(geojson.feature(f"{plan.incident}.zone", zone, title=words, part="zone", **plan.about))
        for ring in sorted(rings, key=lambda one: -one["phase"]):
            title = _("Ring {number}: {people} people").format(number=ring["phase"], people=ring["people"])
            features.append(geojson.feature(
                f"{plan.incident}.ring.{ring['phase']}", ring["outline"], title=title,
                part=f"ring-{min(ring['phase'], 3)}", **plan.about,
            ))  # fmt: skip
    for row in _going_on(instant)[:MOST_INCIDENTS]:
        shape = shapely.geometry.mapping(circle(row.lon, row.lat, row.hazard_radius_m, corners=32))
        features.append(geojson.feature(
            f"{row.id}.hazard", shape, title=_("Danger"), part="hazard", incident=row.id,
            exercise=bool(row.exercise_id), url=f"/incidents/{row.id}/",
        ))  # fmt: skip
    return geojson.collection(features)


def routes(_actor: Actor | None, at: datetime | None) -> dict[str, Any]:
    """The ways on foot to the shelters."""
    return geojson.collection(_limited(
        geojson.feature(f"{plan.incident}.{number}", {"type": "LineString", "coordinates": route["line"]},
                        title=_("Way to a shelter, {metres} m").format(metres=route["length_m"]),
                        guided=route["guided"], **plan.about)
        for plan in _plans(at or clock.now(), "plan__routes") for number, route in enumerate(plan.parts[0])
        if len(route["line"]) > 1
    ))  # fmt: skip


def streets(_actor: Actor | None, at: datetime | None) -> dict[str, Any]:
    """The streets to close."""
    return geojson.collection(_limited(
        geojson.feature(f"{plan.incident}.{number}", street["line"],
                        title=_in_language(street["names"]) or _("Street without a name"), **plan.about)
        for plan in _plans(at or clock.now(), "plan__streets") for number, street in enumerate(plan.parts[0])
    ))  # fmt: skip


def shelters(_actor: Actor | None, at: datetime | None) -> dict[str, Any]:
    """The shelters that plans send people to, with how full they get; a drill fills nothing in the real city."""
    filled: dict[tuple[int, bool], dict[str, Any]] = {}
    for plan in _plans(at or clock.now(), "plan__shelters"):
        for one in plan.parts[0]:
            known = filled.setdefault((one["id"], plan.exercise), one | {"people": 0, "about": plan.about})
            known["people"] += one["people"]
            known["places"] = max(known["places"], one["places"])
    return geojson.collection(_limited(
        geojson.point(f"{number}{'.exercise' if exercise else ''}", one["lon"], one["lat"],
                      **one["about"] | {"state": "full" if one["people"] >= one["places"] else "filling"},
                      title=_shelter_name(one), people=one["people"], places=one["places"],
                      share=round(min(one["people"] / max(one["places"], 1), 1), 3))
        for (number, exercise), one in filled.items()
    ))  # fmt: skip


def _shelter_name(one: dict[str, Any]) -> str:
    return said(one["name"], _language(), kind=_SHELTER, lon=one["lon"], lat=one["lat"])


def _limited(features: Iterator[geojson.Feature]) -> Iterator[geojson.Feature]:
    return (feature for feature, _number in zip(features, range(_MOST_OF_A_KIND), strict=False))


def _going_on(instant: datetime) -> Any:
    """The incidents that were open at an instant, the newest first."""
    rows = Incident.objects.filter(opened_at__lte=instant).filter(Q(closed_at=None) | Q(closed_at__gt=instant))
    return rows.order_by("-opened_at", "id")


def _plans(instant: datetime, *parts: str) -> Iterator[_Plan]:
    """Parts of the newest evacuation of each incident that was going on, as far as it was known."""
    exercise = dict(_going_on(instant).values_list("id", "exercise_id")[:MOST_PLANS])
    known = Proposal.objects.filter(incident_id__in=list(exercise), purpose="evacuation", created_at__lte=instant)
    newest = dict(known.order_by("revision").values_list("incident_id", "id"))
    given = Approval.objects.filter(proposal_id__in=list(newest.values()), role=states.COMMANDER, at__lte=instant)
    ordered = set(given.values_list("proposal_id", flat=True))
    rows = Proposal.objects.filter(id__in=list(newest.values())).values_list("incident_id", "id", *parts)
    for incident, proposal, *found in rows:
        yield _Plan(incident, bool(exercise[incident]), proposal in ordered, found)


def _state_at(row: Incident, instant: datetime) -> str:
    """The state as what is dated tells it; who drafted which revision decides."""
    proposals = [one for one in row.proposals.all() if one.created_at <= instant]
    if not proposals:
        return "open"
    newest = max(proposals, key=lambda one: one.revision)
    roles = {approval.role for approval in newest.approvals.all() if approval.at <= instant}
    sent_back = newest.sent_back_at is not None and newest.sent_back_at <= instant
    return states.state_by(newest.purpose, roles, is_sent_back=sent_back)


def card(_actor: Actor | None, feature: str, at: datetime | None = None) -> Card | None:
    """An incident, or a part of its plan."""
    row = Incident.objects.filter(id=feature.partition(".")[0]).first()
    if row is None:
        return None
    is_over = row.closed_at is not None and (at is None or row.closed_at <= at)
    facts = [
        (_("Where"), _in_language(row.place)), (_("Opened"), _when(row.opened_at)),
        (_("Closed"), _when(row.closed_at) if is_over else ""),
        (_("Radius of the danger"), f"{row.hazard_radius_m:g} m"),
    ]  # fmt: skip
    note = _("This is an exercise.") if row.exercise_id else ""
    told = tuple(fact for fact in facts if fact[1])
    return Card(_event(row.category), told, url=f"/incidents/{row.id}/", note=note,
                state=row.state if is_over or at is None else _state_at(row, at))  # fmt: skip


def shelter_card(actor: Actor | None, feature: str, at: datetime | None = None) -> Card | None:
    """A shelter, and how many people the plans send there."""
    found = next((one for one in shelters(actor, at)["features"] if one["id"] == feature), None)
    if found is None:
        return None
    about = found["properties"]
    facts = ((_("People sent there"), str(about["people"])), (_("Places"), str(about["places"])))
    return Card(about["title"], facts, url=about["url"], state=about["state"])


def search(actor: Actor | None, text: str, limit: int) -> Sequence[Hit]:
    """Incidents whose number begins with the text, and the newest ones whose kind or place holds it."""
    if actor is None:
        return []
    numbered = Incident.objects.filter(id__gte=text.upper(), id__lt=text.upper() + "\uffff").order_by("id")[:limit]
    found = {row.id: row for row in numbered} if len(text) >= _SHORTEST_NUMBER else {}
    wanted = text.casefold()
    for row in Incident.objects.order_by("-opened_at", "id")[:_MOST_SEARCHED]:
        words = " ".join([*row.place.values(), row.category, *EVENTS.get(row.category, {}).values()]).casefold()
        if wanted in words:
            found.setdefault(row.id, row)
    return [_hit(row) for row in list(found.values())[:limit]]


_SHORTEST_NUMBER = 4
_MOST_SEARCHED = 500


def _hit(row: Incident) -> Hit:
    exercise = _("Exercise") + " · " if row.exercise_id else ""
    return Hit(
        f"{_event(row.category)}, {_in_language(row.place)}", f"{exercise}{_when(row.opened_at)}",
        f"/incidents/{row.id}/", (row.lon, row.lat),
    )  # fmt: skip


def _event(category: str) -> str:
    return EVENTS[category][_language()] if category in EVENTS else category.replace("-", " ").capitalize()


def _in_language(words: dict[str, str]) -> str:
    return words.get(_language()) or words.get("en") or next(iter(words.values()), "")


def _language() -> str:
    return CHINESE if get_language() == "zh-hans" else ENGLISH


def _when(instant: datetime) -> str:
    return str(date_format(localtime(instant), "Y-m-d H:i"))
