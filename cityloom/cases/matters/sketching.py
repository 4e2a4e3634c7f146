"""The sketches of reports, kept beside their cases, so that no envelope is opened to compare them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from django.conf import settings

from cityloom.cases import catalogue
from cityloom.cases.domain.duplicates.joining import RESOLUTION
from cityloom.cases.domain.duplicates.pairs import Report
from cityloom.cases.domain.duplicates.sketch import MOST_NUMBERS, WIDTH, Sketch, sketch_of
from cityloom.cases.domain.duplicates.stream import USUAL_ERROR_M
from cityloom.cases.domain.routing.categories import shipped
from cityloom.cases.domain.routing.standing import standing_of
from cityloom.cases.models import Case, CaseHeard, CaseSketch
from cityloom.cases.queries import shipped_classifier
from cityloom.kernel import cells

_ERRORS_M = {"call": 30.0, "official": 30.0, "open311": 15.0, "report": 15.0, "web": 15.0, "sensor": 5.0}
"""How far off the place usually is, by how a case came in."""
_NO_WORDS = Sketch(np.zeros(WIDTH, np.int8), np.zeros(MOST_NUMBERS, np.int32), 0)


def keep(rows: Sequence[Case], words: Mapping[str, str]) -> dict[int, Report]:
    """Keep the sketches of new cases that have a place, once each; return the reports by the numbers of their cases.

    One that was kept when the case was opened stays: its words are not at hand any more.
    """
    held = {one.case_id: one for one in CaseSketch.objects.filter(case__in=rows)}
    kinds = dict(CaseHeard.objects.filter(case__in=rows).exclude(kind="").values_list("case_id", "kind"))
    new = [row for row in rows if row.number not in held]
    found = {row.number: _report(row, words.get(row.id, ""), kinds.get(row.number, "")) for row in new}
    CaseSketch.objects.bulk_create([_kept(row, found[row.number]) for row in new], ignore_conflicts=True)
    moved: dict[str, list[int]] = {}
    for row in (one for one in rows if one.number in held):
        sketch = held[row.number]
        found[row.number] = _held(row, sketch, kinds.get(row.number, ""))
        kind = kind_of(row.casetype, row.version, found[row.number].category)
        if kind != sketch.kind:
            moved.setdefault(kind, []).append(row.number)
    for kind, numbers in moved.items():  # another category since: it is looked up by that
        CaseSketch.objects.filter(case__in=numbers).update(kind=kind)
    return found


def keep_new(rows: Sequence[Case], words: Mapping[str, str]) -> None:
    """Keep the sketches of cases that nobody else knows yet."""
    CaseSketch.objects.bulk_create([_kept(row, _report(row, words[row.id])) for row in rows])


def _held(row: Case, sketch: CaseSketch, about: str) -> Report:
    """A report as its sketch is kept."""
    kept, at_s = read(sketch.words, sketch.numbers, sketch.script), row.opened_at.timestamp()
    return Report(row.lon or 0.0, row.lat or 0.0, sketch.error_m, at_s, about or row.category, kept)


def read(words: bytes | None, numbers: bytes | None, script: int) -> Sketch:
    """A sketch as it was kept."""
    if words is None or numbers is None:
        return _NO_WORDS
    return Sketch(np.frombuffer(words, np.int8), np.frombuffer(numbers, np.int32), script)


def kind_of(casetype: str, version: int, category: str) -> str:
    """What reports are looked up by besides their place: the highest level of what a category is, or its group."""
    if category in shipped():
        return shipped()[category].path[0]
    categories = catalogue.casetype_of(casetype, version).categories
    kinds = standing_of(casetype, categories).get(category, ())
    if kinds:
        return shipped()[kinds[0]].path[0]
    known = categories.get(category)
    return known.group if known else ""


def _report(row: Case, text: str, about: str = "") -> Report:
    sketch = sketch_of(text, shipped_classifier().idf, _key(settings.SECRET_KEY)) if text.strip() else _NO_WORDS
    error_m = _ERRORS_M.get(row.origin, USUAL_ERROR_M)
    return Report(row.lon or 0.0, row.lat or 0.0, error_m, row.opened_at.timestamp(), about or row.category, sketch)


def _kept(row: Case, report: Report) -> CaseSketch:
    sketch = report.sketch
    has_words = sketch.script > 0 or sketch.numbers.any()
    return CaseSketch(
        case=row, place=cells.cell_of(report.lon, report.lat, RESOLUTION), error_m=report.error_m,
        kind=kind_of(row.casetype, row.version, report.category), script=sketch.script,
        words=sketch.words.tobytes() if has_words else None, numbers=sketch.numbers.tobytes() if has_words else None,
    )  # fmt: skip


@cache
def _key(secret: str) -> bytes:
    """The key of the sketches, which is not in the database: without it no guess of words can be tried."""
    return hmac.new(secret.encode(), b"case sketches", hashlib.sha256).digest()
