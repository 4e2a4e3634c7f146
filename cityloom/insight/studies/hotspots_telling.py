"""What a scan tells: the most likely cluster and how rare it is by chance, the others, the map, what to know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from django.utils.translation import gettext_noop as _

from cityloom.insight.domain.study.blocks import Block, ChartOf, Heading, MapOf, Number, Says, Shown, TableOf
from cityloom.insight.domain.study.study import Cell, Study
from cityloom.insight.studies.hotspots_steps import choices_of

_OF_PAST = ("expectation", "gauss", "permutation")
_TIMES = _("That is {risk} times what is expected.")
_RISK = _("The risk there is {risk} times that of all other places.")


def tell(study: Study) -> Sequence[Block]:
    """The parts of a scan's page, the answer first."""
    clusters = study.step("clusters").table
    told: list[Block] = (
        [_answer(study), *_rarity(study)]
        if clusters.rows
        else [Says(_("No hot spot was found: no window has cases enough to be looked at."), weight="answer")]
    )
    told += _maps(study)
    if clusters.rows:
        told += [Heading(_("Clusters")), _table(study)]
    if any(one.name == "course" for one in study.steps):
        told.append(
            ChartOf(
                _("Seen and expected in the places of the first cluster"),
                "course",
                "line",
                "period",
                "expected",
                measured="observed",
                measured_title=_("Cases seen"),
                x_title=_("Period"),
                y_title=_("Cases"),
            )
        )
    return [*told, *_alike(study)]


def _answer(study: Study) -> Says:
    clusters = study.step("clusters").table
    row = (str(clusters["cluster"][0]),)
    numbers = {
        name: Number(Cell("clusters", row, name), form, places)
        for name, form, places in (
            ("places", "whole", 0),
            ("observed", "whole", 0),
            ("expected", "decimal", 1),
            ("p_value", "decimal", 3),
        )
    }
    names = {
        "centre": str(clusters["centre"][0]),
        "since": str(clusters["since"][0]),
        "until": str(clusters["until"][0]),
    }
    if clusters["p_value"][0] > choices_of(study.question)["level"]:
        return Says(
            _(
                "No hot spot that chance would not explain: the most unlike window, {places} places around {centre}, "
                "has {observed} cases where {expected} are expected (p {p_value})."
            ),
            numbers,
            names,
            "answer",
        )
    if names["since"]:
        return Says(_("A hot spot: {places} places around {centre} have {observed} cases from {since} to {until}, "
                      "where {expected} are expected (p {p_value})."), numbers, names, "answer")  # fmt: skip
    return Says(_("A hot spot: {places} places around {centre} have {observed} cases, where {expected} are expected "
                  "(p {p_value})."), numbers, names, "answer")  # fmt: skip


def _rarity(study: Study) -> list[Block]:
    clusters = study.step("clusters").table
    row = (str(clusters["cluster"][0]),)
    told: list[Block] = []
    risk = {"risk": Number(Cell("clusters", row, "relative_risk"), places=2)}
    if np.isfinite(clusters["relative_risk"][0]):
        told.append(Says(_TIMES if choices_of(study.question)["method"] in _OF_PAST else _RISK, risk))
    if choices_of(study.question)["method"] in ("expectation", "gauss") or choices_of(study.question)["prospective"]:
        told.append(
            Says(
                _(
                    "By chance alone, so rare a cluster comes about once in {years} years, if one looks so often "
                    "as was said."
                ),
                {"years": Number(Cell("clusters", row, "recurrence_years"), _form(study))},
            )
        )
    return told


_LONG = 10  # years, from which on a tenth of one says nothing


def _form(study: Study) -> Literal["whole", "decimal"]:
    return "whole" if study.step("clusters").table["recurrence_years"][0] >= _LONG else "decimal"


def _maps(study: Study) -> list[Block]:
    places = study.step("places").table
    if "lon" not in places.columns:
        return [ChartOf(_("Places, by seen over expected"), "places", "scatter", "x", "y", x_title=_("East (m)"),
                        y_title=_("North (m)"), by="cluster", most=2_000)]  # fmt: skip
    return [MapOf(_("Cases seen over cases expected"), "places", "ratio", "lon", "lat", label="name"),
            MapOf(_("Places of clusters, by the cluster's number (0: none)"), "places", "cluster", "lon", "lat",
                  label="name")]  # fmt: skip


def _table(study: Study) -> TableOf:
    has_periods = bool(study.step("clusters").table["since"][0])
    spans = (Shown("since", _("From"), "word"), Shown("until", _("To"), "word")) if has_periods else ()
    return TableOf(_("Clusters without a place in common, the least likely by chance first"), "clusters", (
        Shown("cluster", _("Cluster"), "word"), Shown("centre", _("Around"), "word"),
        Shown("places", _("Places"), "whole"),
        Shown("radius_m", _("Radius"), "whole", unit="m"), *spans, Shown("observed", _("Seen"), "whole"),
        Shown("expected", _("Expected"), places=1), Shown("relative_risk", _("Relative risk"), places=2),
        Shown("llr", _("Log-likelihood ratio"), places=2), Shown("p_value", _("p, by rank"), places=3),
        Shown("gumbel_p", _("p, by Gumbel"), places=4),
    ))  # fmt: skip


def _alike(study: Study) -> list[Block]:
    alike, places = study.step("autocorrelation").table, study.step("places").table
    told: list[Block] = [Heading(_("Are neighbours alike?"))]
    if np.isfinite(alike["value"][0]):
        row = ("Moran's I",)
        told.append(Says(_("Moran's I is {value}; without a pattern it would be {expected} (p {p})."), {
            "value": Number(Cell("autocorrelation", row, "value"), places=3),
            "expected": Number(Cell("autocorrelation", row, "expected"), places=3),
            "p": Number(Cell("autocorrelation", row, "p_permutation"), places=3)}))  # fmt: skip
    else:
        told.append(Says(_("All places are alike: whether neighbours are, cannot be said."), weight="doubt"))
    if any(places["lisa"].tolist()):
        told.append(TableOf(_("Places that are like or unlike what surrounds them, at the false discovery rate chosen"),
                            "places", (
            Shown("name", _("Place"), "word"), Shown("lisa", _("Place and surroundings"), "word"),
            Shown("gi_z", _("Gi*, as a z-score"), places=2), Shown("gi_p", _("p of Gi*, adjusted"), places=3),
            Shown("lisa_p", _("p of local Moran, adjusted"), places=3)), sort="lisa_p", most=30))  # fmt: skip
    return told
