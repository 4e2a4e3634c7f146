"""The kind `hotspots`: where, and since when, there are more cases than chance and the past make likely."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.utils.translation import gettext_noop as _

from cityloom.insight.domain.study.study import Note, Told
from cityloom.insight.domain.study.tables import Table, table
from cityloom.insight.studies import hotspots_steps as steps
from cityloom.insight.studies.hotspots_inputs import INPUTS, read
from cityloom.insight.studies.hotspots_telling import tell
from cityloom.insight.studies.kinds import Kind, Worked

_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "method": {"enum": ["poisson", "bernoulli", "permutation", "expectation", "gauss"], "default": "poisson"},
        "category": {"type": "string", "maxLength": 80, "default": ""},
        "most_share": {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": 0.5},
        "most_radius_m": {"type": "number", "minimum": 0, "maximum": 20_000_000, "default": 0},
        "most_periods": {"type": "integer", "minimum": 0, "maximum": 1_000, "default": 0},
        "prospective": {"type": "boolean", "default": False},
        "simulations": {"type": "integer", "minimum": 99, "maximum": 99_999, "default": 999},
        "seed": {"type": "integer", "minimum": 0, "maximum": 2**31, "default": 1},
        "threshold": {"type": "integer", "minimum": 0, "maximum": 1_000, "default": 8},
        "level": {"type": "number", "minimum": 0.0001, "maximum": 0.5, "default": 0.05},
        "neighbours": {"type": "integer", "minimum": 1, "maximum": 100, "default": 8},
        "looks_per_year": {"type": "number", "minimum": 0.1, "maximum": 10_000, "default": 365.25},
        "holidays": {"type": "array", "maxItems": 500, "items": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"}},
        "most_clusters": {"type": "integer", "minimum": 1, "maximum": 50, "default": 10},
    },
}


def _work(question: Mapping[str, Any], inputs: Mapping[str, Table], told: Told) -> Worked:
    said = steps.choices_of(question)
    told(0.0, "clusters")
    arrays = read(inputs, said["category"])
    found = steps.scanned(arrays, said)
    told(0.8, "places")
    made = steps.steps_of(arrays, said, found)
    told(1.0, "places")
    notes = [Note("silence"), Note("threshold", said["threshold"]), Note("circles")]
    if not found.scan.clusters:
        notes.insert(0, Note("nothing", weight="doubt"))
    if said["method"] in ("expectation", "gauss"):
        notes.append(Note("own_past"))
    elif said["method"] == "poisson":
        notes.append(Note("reporting", weight="doubt"))
    return Worked(made, notes)


def _example() -> tuple[Mapping[str, Any], Mapping[str, Table]]:
    """A made-up city of 49 blocks over ten weeks, with water complaints that rise around one of them."""
    chance = np.random.default_rng(3)
    days = [(date(2026, 9, 20) + timedelta(one)).isoformat() for one in range(70)]
    column, row = (one.ravel() for one in np.meshgrid(np.arange(7), np.arange(7)))
    people = chance.integers(800, 4_000, 49)
    reports = chance.gamma(4, 0.25, 49)  # people report more in some blocks than in others
    mean = (people * reports / 1_500)[:, None] * (1 + 0.3 * np.cos(np.arange(70) * 2 * np.pi / 7))[None, :]
    near = (column - 4) ** 2 + (row - 2) ** 2 <= 1
    mean[np.ix_(near, np.arange(66, 70))] *= 3
    counts = chance.poisson(mean)
    place = [f"B{one:02d}" for one in range(49)]
    at = [(place[one], days[day], int(counts[one, day])) for one in range(49) for day in range(70) if counts[one, day]]
    code, period, count = zip(*at, strict=True)
    return {"method": "expectation", "most_periods": 7, "most_share": 0.3, "seed": 8}, {
        "places": table("place", place=place, name=[f"Block {one}" for one in range(1, 50)],
                        lon=114.05 + 0.004 * column, lat=22.54 + 0.0037 * row, population=people),
        "counts": table((), place=code, period=period, count=count),
    }  # fmt: skip


KIND = Kind(
    "hotspots",
    _("Hot spots"),
    _("Where, and since when, there are more cases than chance and the past make likely; how rare that is by chance."),
    INPUTS,
    _SCHEMA,
    _work,
    tell,
    notes={
        "nothing": _("No window has the cases that are needed to be looked at; nothing can be said."),
        "silence": _("Silence is not absence: where nobody reports, nothing is seen here. A place without a hot spot "
                     "may have the same trouble, and people who do not speak of it."),
        "threshold": _("Counts below {value} are not told, and no window with fewer cases is looked at."),
        "circles": _("Windows are circles: a hot spot along a road or a river is seen as a part of it or with what "
                     "lies beside. The edge of one is not sharp; look around it."),
        "own_past": _("What is expected of a place comes from its own past, so that one where people report less is "
                      "not thereby quiet. What has been wrong there for as long as the past goes back is not seen."),
        "reporting": _("What is expected is even over the people: a place where people report more shows as a hot "
                       "spot. The methods expectation and permutation compare a place with itself."),
    },
    example=_example,
)  # fmt: skip
