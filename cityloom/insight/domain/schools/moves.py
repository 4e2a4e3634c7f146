"""Openings, closures and other known changes of schools, and pupils of new dwellings, as arrays over the years to
come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cityloom.insight.domain.schools.panel import Floats, Rolls
from cityloom.kernel.refused import Refused

KINDS = ("opens", "closes", "moves")
_NO_SCHOOL = "A change names the school {value}, which the rolls do not have; they have {limit}."
_NO_KIND = "A change is called {value}; write one of {limit}."
_SHARE = (
    "A change moves a share of {value} of the pupils of {limit}; all shares from one school together are "
    "between 0 and 1."
)
_OPENS = (
    "The school {value} opens, but no school is named from which its pupils come; name one as {limit}, with a share."
)
_NO_GRADE = "A change names the grade {value}, which the rolls do not have; they have {limit}."
SPREAD = (0.4, 0.3, 0.2, 0.1)
"""When pupils of new dwellings come: shares of the year in which they are finished and the three after it."""


@dataclass(frozen=True)
class Change:
    """From `year` on: `school` opens with a share of the pupils of `other`; closes, and a share of its pupils goes to
    `other`; or a share of its pupils moves there. `grade` "" is all of them. `other` "" at a closure: to the schools of
    its area (else of the district) that have the grade, by their pupils.
    """

    school: str
    year: int
    kind: str
    other: str = ""
    share: float = 1.0
    grade: str = ""


def with_opened(rolls: Rolls, changes: Sequence[Change], areas: Mapping[str, str] | None = None) -> Rolls:
    """Rolls with a row for each school that is to open; nothing is known of it."""
    new = sorted({one.school for one in changes if one.kind == "opens" and one.school not in rolls.schools})
    if not new:
        return rolls
    rows = np.full((len(new), *rolls.pupils.shape[1:]), np.nan)
    named = areas or {}
    return Rolls(np.concatenate([rolls.pupils, rows]), (*rolls.schools, *new), rolls.grades, rolls.years,
                 (*rolls.areas, *(named.get(one, "") for one in new)), rolls.doubtful, rolls.notes)  # fmt: skip


def moves_of(rolls: Rolls, changes: Sequence[Change]) -> dict[int, Floats]:
    """By year, the share of each school's pupils (row) who are at which school (column) then: [grades, schools,
    schools].

    Raises: Refused `insight.change_school`, `insight.change_kind`, `insight.change_share`, `insight.change_opens`,
    `insight.change_grade`.
    """
    found: dict[int, Floats] = {}
    for year in sorted({one.year for one in changes}):
        here = [one for one in changes if one.year == year]
        found[year] = _of_year(rolls, here)
    return found


def _of_year(rolls: Rolls, changes: Sequence[Change]) -> Floats:
    size, places = len(rolls.schools), {name: place for place, name in enumerate(rolls.schools)}
    moves = np.repeat(np.eye(size)[None], len(rolls.grades), 0)
    closing = {one.school for one in changes if one.kind == "closes"}
    for one in changes:
        _check(rolls, one)
        grades = range(len(rolls.grades)) if not one.grade else [rolls.grades.index(one.grade)]
        for grade in grades:
            if one.kind == "closes" and not one.other:
                _by_size(rolls, moves[grade], places[one.school], grade, [places[name] for name in closing])
                continue
            giving, taking = (one.other, one.school) if one.kind == "opens" else (one.school, one.other)
            moves[grade, places[giving], places[taking]] += one.share
            moves[grade, places[giving], places[giving]] -= one.share
    for name in closing:
        given = 1 - moves[:, places[name], places[name]]  # shares that were named are scaled up to the whole
        row = moves[:, places[name]]
        row[:, places[name]] = 0.0
        moves[:, places[name]] = np.where(given[:, None] > 0, row / np.where(given > 0, given, 1.0)[:, None], row)
    kept = np.einsum("gss->gs", moves)
    if (kept < -1e-9).any():
        school = int(np.argwhere(kept < -1e-9)[0][1])
        raise Refused(
            "insight.change_share", _SHARE, value=round(float(1 - kept.min()), 3), limit=rolls.schools[school]
        )
    return moves


def _check(rolls: Rolls, one: Change) -> None:
    if one.kind not in KINDS:
        raise Refused("insight.change_kind", _NO_KIND, value=one.kind[:40], limit=", ".join(KINDS))
    for name in filter(None, (one.school, one.other)):
        if name not in rolls.schools:
            raise Refused("insight.change_school", _NO_SCHOOL, value=name[:80], limit=", ".join(rolls.schools)[:300])
    if one.kind != "closes" and not one.other:
        raise Refused("insight.change_opens", _OPENS, value=one.school[:80], limit="other")
    if one.grade and one.grade not in rolls.grades:
        raise Refused("insight.change_grade", _NO_GRADE, value=one.grade[:40], limit=", ".join(rolls.grades))
    if not 0 <= one.share <= 1:
        raise Refused("insight.change_share", _SHARE, value=one.share, limit=one.school[:80])


def _by_size(rolls: Rolls, moves: Floats, school: int, grade: int, closing: Sequence[int]) -> None:
    size = np.where(np.isnan(rolls.pupils[:, grade, -1]), 0.0, rolls.pupils[:, grade, -1])
    size[list(closing)] = 0.0
    near = np.array([bool(area) and area == rolls.areas[school] for area in rolls.areas])
    taken = np.where(near, size, 0.0) if (size * near).sum() > 0 else size
    if taken.sum() > 0:
        moves[school] = taken / taken.sum()


def arrivals(
    rolls: Rolls,
    school: Sequence[str],
    year: Sequence[int],
    dwellings: Sequence[float],
    per_dwelling: Sequence[float],
    years: Sequence[int],
    spread: Sequence[float] = SPREAD,
) -> Floats:
    """Pupils who come with new dwellings [schools, grades, years]: `per_dwelling` pupils of all grades together.

    `school` names a school or a planning area, whose schools then share them by their pupils; grades get equal parts,
    the years after a dwelling is finished those of `spread`.
    """
    found = np.zeros((len(rolls.schools), len(rolls.grades), len(years)))
    last = np.where(np.isnan(rolls.pupils[:, :, -1]), 0.0, rolls.pupils[:, :, -1])
    for name, finished, built, pupils in zip(school, year, dwellings, per_dwelling, strict=True):
        among = np.array([name in {own, area} for own, area in zip(rolls.schools, rolls.areas, strict=True)])
        weight = last * among[:, None] if (last * among[:, None]).sum() > 0 else among[:, None] * np.ones(last.shape)
        share = weight / np.maximum(weight.sum(0), 1e-9) / len(rolls.grades)
        for after, part in enumerate(spread):
            if finished + after in years:
                found[:, :, list(years).index(finished + after)] += share * built * pupils * part
    return found
