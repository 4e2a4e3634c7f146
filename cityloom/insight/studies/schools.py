"""The kind `schools`: pupils to come by school and grade, places against them, and where they will be short."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from django.utils.translation import gettext_noop as _

from cityloom.insight.domain.schools import backtest, moves
from cityloom.insight.domain.schools.cleaning import cleaned, gone_and_new, regraded
from cityloom.insight.domain.schools.fitting import Model, Settings, fit
from cityloom.insight.domain.schools.panel import Floats, Rolls
from cityloom.insight.domain.schools.paths import drawn, projected
from cityloom.insight.domain.schools.ratios import HALF_LIFE
from cityloom.insight.domain.study.study import Note, Step, Told
from cityloom.insight.domain.study.tables import Table
from cityloom.insight.studies import schools_gaps as against
from cityloom.insight.studies import schools_inputs as read
from cityloom.insight.studies import schools_steps as steps
from cityloom.insight.studies.kinds import InputSpec, Kind, Worked
from cityloom.insight.studies.schools_example import example
from cityloom.insight.studies.schools_notes import NOTES
from cityloom.insight.studies.schools_told import tell

_TESTED = 300
_WORDS = frozenset({"school", "grade", "area", "phase", "change", "other"})
_MOST_DRAWN = 15_000_000
_NAMES = {"type": "object", "additionalProperties": {"type": "string", "maxLength": 80}}
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "horizons": {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 15}, "minItems": 1,
                     "maxItems": 8, "default": [1, 3, 6]},
        "level": {"type": "number", "minimum": 0.5, "maximum": 0.99, "default": 0.8},
        "likely": {"type": "number", "minimum": 0.05, "maximum": 0.95, "default": 0.5},
        "grades": {"type": "array", "items": {"type": ["string", "integer"]}, "maxItems": 30},
        "entry_age": {"type": "integer", "minimum": 0, "maximum": 20},
        "entry_month": {"type": "integer", "minimum": 1, "maximum": 12, "default": 9},
        "lags": {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}, "maxProperties": 10},
        "phases": {"type": "object", "maxProperties": 10,
                   "additionalProperties": {"type": "array", "items": {"type": "string"}, "maxItems": 30}},
        "half_life": {"type": "number", "minimum": 0.5, "maximum": 100, "default": HALF_LIFE},
        "trend": {"type": "boolean", "default": True},
        "pupils_per_dwelling": {"type": "number", "minimum": 0, "maximum": 5},
        "paths": {"type": "integer", "minimum": 100, "maximum": 5000, "default": 1000},
        "seed": {"type": "integer", "minimum": 0, "maximum": 2147483647, "default": 1},
        "columns": {"type": "object", "additionalProperties": _NAMES, "maxProperties": 5},
    },
}  # fmt: skip


def work(question: Mapping[str, Any], inputs: Mapping[str, Table], told: Told) -> Worked:
    """Rolls cleaned, ratios, back-test, forecast, places against pupils, warnings."""
    found = read.given(question, inputs)
    ahead = sorted({int(one) for one in question.get("horizons", (1, 3, 6))})
    horizon, level, seed = max(ahead), float(question.get("level", 0.8)), int(question.get("seed", 1))
    settings = Settings(
        found.lags, float(question.get("half_life", HALF_LIFE)), trend=bool(question.get("trend", True))
    )
    told(0.05, "rolls")
    clean = cleaned(found.rolls)
    notes = [*clean.notes, *found.notes, *_changed(clean)]
    model = fit(clean, found.births, settings, read.arrivals_of(found, clean.years))
    told(0.15, "backtest")
    tested = min(_TESTED, int(question.get("paths", 1000)))
    tested = max(60, min(tested, _MOST_DRAWN // (4 * max(clean.pupils[:, :, -1].size * horizon, 1))))
    root, draws = np.random.SeedSequence(seed).spawn(2)
    scores = backtest.scores(found.rolls, found.births, settings, horizon, tested, level, root)
    peers = backtest.peers(found.rolls, found.births, found.lags, horizon)
    trial = steps.backtest_table(scores, backtest.covered(scores, horizon, level), peers, horizon)
    widths = backtest.widths(scores, horizon, level)
    if not len(scores):
        notes.append(Note("not_tested", len(clean.years), backtest.LEAST_KNOWN + 1, "doubt"))
    told(0.6, "forecast")
    point, paths, count = _projected(found, model, question, horizon, np.random.default_rng(draws))
    made = against.gaps(found, clean, point, paths, widths, ahead, level)
    forecast = steps.forecast_table(clean, point, paths, widths, level)
    notes += _about(found, clean, model, horizon, made)
    given = {
        "half_life": settings.half_life,
        "damping": settings.damping,
        "lags": {str(k): v for k, v in found.lags.items()},
    }
    likely = float(question.get("likely", 0.5))
    return Worked((
        Step("rolls", steps.rolls_table(found.rolls, clean)),
        Step("entry", steps.entry_table(found, clean, model, horizon), given),
        Step("ratios", steps.ratios_table(clean, model, horizon), given),
        Step("school_ratios", steps.school_ratios_table(clean, model), given),
        Step("backtest", trial, {"level": level, "paths": tested}, seed),
        Step("errors", steps.by_ahead_table(trial, ahead, "method", "error_pct", {"of": "district"}), {}, seed),
        Step("held", steps.by_ahead_table(trial, ahead, "of", "covered", {"method": steps.OURS}), {}, seed),
        Step("widths", steps.widths_table(widths), {"level": level}, seed),
        Step("forecast", forecast, {"level": level, "paths": count}, seed),
        Step("district", steps.district_table(clean, found.rolls, forecast), {"level": level}, seed),
        Step("gaps", against.gaps_table(made, clean, found.where), {"level": level}, seed),
        Step("by_school", against.by_school_table(made, clean), {"level": level}, seed),
        Step("warnings", against.warnings_table(made, clean), {}, seed),
        Step("summary", against.summary_table(clean, made, forecast, ahead, likely), {"likely": likely}, seed),
    ), notes)  # fmt: skip


def _projected(found: read.Given, model: Model, question: Mapping[str, Any], horizon: int, rng: np.random.Generator
               ) -> tuple[Floats, Floats, int]:  # fmt: skip
    """The expected rolls, the paths around them, and how many there are (fewer for very many schools)."""
    count = int(question.get("paths", 1000))
    count = max(100, min(count, _MOST_DRAWN // max(model.last.size * horizon, 1)))
    changed = moves.moves_of(found.rolls, [one for one in found.changes if one.year > model.year])
    coming = read.arrivals_of(found, [model.year + step + 1 for step in range(horizon)])
    point = projected(model, horizon, None, found.births, changed, coming)[0]
    return point, projected(model, horizon, drawn(model, horizon, count, rng), found.births, changed, coming), count


def _changed(clean: Rolls) -> list[Note]:
    gone, new = gone_and_new(clean)
    notes = [Note("schools_gone", ", ".join(f"{name} ({year})" for name, year in gone)[:300])] if gone else []
    if new:
        notes.append(Note("schools_new", ", ".join(f"{name} ({year})" for name, year in new)[:300]))
    if changed := regraded(clean):
        notes.append(Note("regraded", ", ".join(f"{name} ({year}: {what})" for name, year, what in changed[:6])[:300]))
    return notes


def _about(found: read.Given, clean: Rolls, model: Model, horizon: int, made: Sequence[Any]) -> list[Note]:
    notes = []
    if found.lags and not model.settings.lags:
        notes.append(Note("births_unused", weight="doubt"))
    elif found.lags:
        last, need = max(found.births), clean.years[-1] + horizon - min(found.lags)
        if last < need:
            notes.append(Note("births_carried", last, need, "doubt"))
    past = [one for one in found.changes if one.year <= model.year]
    if past:
        notes.append(
            Note("changes_past", ", ".join(f"{one.school} ({one.year})" for one in past)[:200], weight="doubt")
        )
    whole = [one for one in made if one.kind == "district" and one.places < one.pupils]
    if whole:
        notes.append(
            Note("too_few_places", round(whole[0].pupils - whole[0].places), clean.years[-1] + whole[0].ahead, "wrong")
        )
    return [*notes, Note("as_before")]


def _spec(name: str, title: str, columns: Mapping[str, str], needed: bool) -> InputSpec:
    return InputSpec(name, title, (), {}, columns, needed, frozenset(columns) & _WORDS)


KIND = Kind(
    "schools",
    _("Pupils and places"),
    _("Pupils of the coming years by school and grade, from births and from how grades moved on, and where "
      "places will be "
      "short, with probabilities."),
    (
        _spec("rolls", _("Rolls: pupils by school, grade and year"),
              {"school": _("the school"), "grade": _("the grade"), "year": _("the year of the count"),
               "pupils": _("pupils counted"), "area": _("the planning area of the school")}, True),
        _spec("births", _("Births by year"),
              {"year": _("the calendar year"), "births": _("births"), "area": _("the area; all are added up")}, False),
        _spec("places", _("Places by school"),
              {"school": _("the school"), "year": _("from which year on"), "places": _("places"),
               "phase": _("the phase of grades, as in the question"), "area": _("the planning area of the school"),
               "lon": _("longitude, degrees"), "lat": _("latitude, degrees")}, False),
        _spec("housing", _("New dwellings"),
              {"school": _("the school or planning area"), "year": _("the year in which they are finished"),
               "dwellings": _("new dwellings"), "yield": _("pupils per dwelling, all grades")}, False),
        _spec("changes", _("Schools that open, close or move"),
              {"school": _("the school"), "year": _("from which year on"), "change": _("opens, closes or moves"),
               "other": _("where pupils come from or go to"), "share": _("the share of the pupils, 0 to 1"),
               "grade": _("the grade; all, where empty")}, False),
    ),
    SCHEMA,
    work,
    tell,
    notes=NOTES,
    example=example,
    foresee=against.foreseen,
)  # fmt: skip
