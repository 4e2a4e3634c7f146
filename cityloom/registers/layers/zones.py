"""The work zones in force on the map."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import shapely
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cityloom.accounts.queries import unit_names
from cityloom.kernel.actor import Actor
from cityloom.registers import queries
from cityloom.registers.display import ZONE_REASONS
from cityloom.registers.domain.zoning_answers import ZoneFacts
from cityloom.registers.layers.cards import by_number
from cityloom.ui.domain.declared import Card, Features


def revision() -> str:
    """What the layer's look depends on besides the city's data: the plan in force, which never changes."""
    plan = queries.zone_plan_on(queries.today())
    return plan.id if plan else ""


def zones(west: float, south: float, east: float, north: float, _zoom: int) -> Features:
    """The zones that could touch a rectangle."""
    plan = revision()
    if not plan:
        return Features(np.zeros(0, object), np.zeros(0, np.int64))
    tree, facts = _drawn(plan)
    rows = np.sort(tree.query(shapely.box(west, south, east, north)))
    chosen = [facts[row] for row in rows.tolist()]
    return Features(tree.geometries[rows], np.array([one.number for one in chosen], np.int64), {
        "share": np.round([one.share for one in chosen], 3),
        "code": np.array([one.code[-6:] for one in chosen], object),
        "compactness": np.round([one.compactness for one in chosen], 2),
    })  # fmt: skip


@lru_cache(maxsize=1)
def _drawn(plan: str) -> tuple[shapely.STRtree, list[ZoneFacts]]:
    facts = queries.zones_of(plan)
    return shapely.STRtree([one.outline for one in facts]), facts


@by_number
def card(actor: Actor | None, number: int) -> Card | None:
    """A zone, for those who work here."""
    plan = revision() if actor else ""
    found = next((one for one in _drawn(plan)[1] if one.number == number), None) if plan else None
    if found is None:
        return None
    language = "zh-Hans" if get_language() == "zh-hans" else "en"
    facts = (
        (_("Community"), unit_names(found.unit_id)[language]), (_("Load"), f"{found.load:,.0f}"),
        (_("Of the mean"), f"{found.share:.0%}"), (_("Hectares"), f"{found.area_m2 / 1e4:.1f}"),
        (_("Compactness"), f"{found.compactness:.2f}"),
    )  # fmt: skip
    note = _(ZONE_REASONS[found.reason]) if found.reason else ""
    return Card(_("Zone {code}").format(code=found.code), facts, url=f"/zones/{plan}/{found.code}/", note=note)
