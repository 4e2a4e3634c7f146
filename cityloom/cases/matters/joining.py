"""New reports that somebody has made before: surely so, they join by themselves; perhaps so, a person is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from cityloom.cases import catalogue
from cityloom.cases.domain.duplicates import forest, pairs
from cityloom.cases.domain.duplicates.joining import ASKS, JOINS, Match, matches, sure_of
from cityloom.cases.domain.duplicates.pairs import Report
from cityloom.cases.matters import batches, searching, sketching, uniting
from cityloom.cases.matters.batches import Wish
from cityloom.cases.matters.searching import Around
from cityloom.cases.matters.sharing import lead_of
from cityloom.cases.matters.uniting import JOIN, Why
from cityloom.cases.models import Case, CasePair
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused

JOINED_LEVELS = frozenset({"open", "internal"})
"""What is for a unit or for named people alone is joined with nothing, and nothing with it."""
_MOST_ASKED, _TRIES = 3, 4
_MOVED = frozenset({"cases.matter_moved", "cases.changed", "cases.matter_itself"})


def join_new(rows: Sequence[Case], words: Mapping[str, str], at: datetime) -> dict[str, str]:
    """Join cases just opened with matters that are surely the same; return the matters of those joined, by case id.

    `words` are those of cases, by id, as far as they are at hand; they are compared and not kept. Of what is perhaps
    the same a suggestion is kept. Call it when the cases are committed, not before: of two processes that each open
    a report of one thing, the one that looks later then sees the other's.
    """
    new = sorted((row for row in rows if _is_compared(row)), key=lambda one: one.number)
    reports = sketching.keep(new, words)
    looked = _looked(new, reports)
    joined = batches.unite_all([one.wish for one in looked if one.wish is not None], at)
    asked: list[CasePair] = []
    for one in looked:
        if one.row.id not in joined and one.found.numbers:
            lead = _each(one, asked, at)
            if lead and lead != one.row.id:
                joined[one.row.id] = lead
    _ask(asked)
    return joined


@dataclass(frozen=True)
class _Looked:
    """A case with the reports around it, the matters that it may belong to, and the one that it surely belongs to."""

    row: Case
    report: Report
    found: Around
    likely: list[Match]
    wish: Wish | None


def _looked(rows: Sequence[Case], reports: Mapping[int, Report]) -> list[_Looked]:
    """Look at each in turn; what is to be joined counts as joined for those after it."""
    later, gone, leads, seen = {row.number for row in rows}, dict[str, str](), dict[str, Case | None](), []
    for row in rows:
        later.discard(row.number)
        report = reports[row.number]
        found = searching.around(row, report, sketching.kind_of(row.casetype, row.version, report.category), later)
        found = replace(found, matters=[gone.get(matter, matter) for matter in found.matters])
        known = [match for match in likely(report, found) if match.chance >= ASKS] if found.numbers else []
        wish = _wish(row, report, found, known, leads)
        if wish is not None:
            gone[row.id] = wish.matter
        seen.append(_Looked(row, report, found, known, wish))
    return seen


def _wish(
    row: Case, report: Report, found: Around, known: Sequence[Match], leads: dict[str, Case | None]
) -> Wish | None:
    """What a case is surely about, where nobody has to be asked; `leads` are those that were read before."""
    for match in known:
        if match.chance < JOINS:
            break
        if match.matter not in leads:
            leads[match.matter] = Case.objects.filter(id=match.matter).defer("sealed", "answers").first()
        lead = leads[match.matter]
        if lead is not None and lead.number < row.number and _is_joined_unasked(row, lead):
            return Wish(row, lead.id, Why(match.chance, why(report, found, match.at)))
    return None


def note_new(rows: Sequence[Case], words: Mapping[str, str]) -> None:
    """Keep the sketches of cases that are just being opened, while their words are at hand, in the same transaction."""
    sketching.keep_new([row for row in rows if row.id in words and _is_compared(row)], words)


def _is_compared(row: Case) -> bool:
    has_place = row.lon is not None and row.lat is not None and bool(row.category)
    is_shared = row.confidentiality in JOINED_LEVELS
    return has_place and is_shared and row.is_open and uniting.can_join(row.casetype, row.version)


def _each(one: _Looked, asked: list[CasePair], at: datetime) -> str:
    """Join a case by itself, or note what is to be asked; return the case that goes on for it, "" for none.

    Where another process has just united what it was to join, it looks again.
    """
    row, report, found, known = one.row, one.report, one.found, one.likely
    for _ in range(_TRIES):
        match = sure_of(known, report, found.others, found.matters, pairs.weights(), forest.shipped())
        try:
            lead = _join(row, report, match, found, at) if match is not None else ""
        except Refused as refusal:  # it ended or grew full: then a person decides
            if refusal.code in _MOVED:
                found = searching.around(row, report, sketching.kind_of(row.casetype, row.version, report.category))
                known = likely(report, found) if found.numbers else []
                continue
            lead = ""
        if lead:
            return lead
        break
    asked += _suggested(row, report, [match for match in known if match.chance >= ASKS][:_MOST_ASKED], found, at)
    return ""


def _join(row: Case, report: Report, match: Match, found: Around, at: datetime) -> str:
    lead = Case.objects.filter(id=match.matter).defer("sealed", "answers").first()
    if lead is None or not _is_joined_unasked(row, lead) or uniting.are_apart([row.number], lead.id):
        return ""
    own = lead_of(row.id)
    if own == lead.id:
        return lead.id
    return uniting.unite(own, lead.id, Why(match.chance, why(report, found, match.at)), SYSTEM, at)


def _is_joined_unasked(row: Case, lead: Case) -> bool:
    step = catalogue.casetype_of(lead.casetype, lead.version).step(JOIN)
    works_on = step is not None and (lead.state in step.sources or _pauses(lead))
    return lead.is_open and works_on and lead.category == row.category and lead.confidentiality in JOINED_LEVELS


def _pauses(lead: Case) -> bool:
    return catalogue.casetype_of(lead.casetype, lead.version).states[lead.state].pauses


def _suggested(row: Case, report: Report, maybe: Sequence[Match], found: Around, at: datetime) -> list[CasePair]:
    numbers = [found.numbers[match.at] for match in maybe]
    return [
        CasePair(one_id=min(number, row.number), other_id=max(number, row.number), says="maybe", at=at,
                 chance=round(match.chance, 3), why=why(report, found, match.at))
        for number, match in zip(numbers, maybe, strict=True)
    ]  # fmt: skip


def _ask(asked: Sequence[CasePair]) -> None:
    """Keep what is to be asked, at once; what has become one matter meanwhile is no question any more."""
    numbers = {number for one in asked for number in (one.one_id, one.other_id)}
    matter = dict(Case.objects.filter(number__in=numbers).values_list("number", "matter")) if numbers else {}
    open_ = [one for one in asked if matter.get(one.one_id) != matter.get(one.other_id)]
    if open_:
        CasePair.objects.bulk_create(open_, ignore_conflicts=True)


def likely(report: Report, found: Around) -> list[Match]:
    """The matters that a report may belong to, the likeliest first."""
    return matches(report, found.others, found.matters, pairs.weights(), forest.shipped())


def why(report: Report, found: Around, at: int) -> dict[str, float | int | bool]:
    """What people are told of why two reports are alike: metres, hours, words, category, numbers."""
    one = pairs.rows_of(found.others, [at])
    measured = {name: float(values[0]) for name, values in pairs.measures(report, one).items()}
    words = {} if np.isnan(measured["words"]) else {"words": round(measured["words"], 2)}
    return {
        "metres": round(measured["metres"]), "hours": round(24 * measured["days"], 1),
        "same_category": measured["category"] == 0, "numbers": int(measured["numbers"]), **words,
    }  # fmt: skip
