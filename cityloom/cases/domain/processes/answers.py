"""What somebody said when a task was finished: facts for the process, and words to be sealed for the case."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from cityloom.cases.domain.processes.forms import BOOLEAN, CHOICE, DAY, DUE, NUMBER, TEXT, UNITS
from cityloom.cases.domain.processes.process import Form, Question
from cityloom.kernel.refused import Detail, InLanguages, Refused

MOST_UNITS = 50
_UNIT = re.compile(r"[a-z0-9][a-z0-9/_-]{0,79}")


def read(form: Form, outcome: str, note: str, given: Mapping[str, Any], today: date) -> tuple[dict[str, Any], str]:
    """What somebody said, as facts for the process and as words to be sealed; texts are never facts.

    Raises: Refused `cases.task_outcome`, `cases.task_note`, `cases.task_field`.
    """
    chosen = next((one for one in form.outcomes if one.value == outcome), None)
    if chosen is None and (form.outcomes or outcome):
        titles = " / ".join(one.title["en"] for one in form.outcomes) or "-"
        chinese = " / ".join(one.title["zh-hans"] for one in form.outcomes) or "-"
        raise Refused("cases.task_outcome", "Choose what comes of this task: {limit}.",
                      limit=InLanguages({"en": titles, "zh-hans": chinese}))  # fmt: skip
    if chosen is not None and chosen.needs_note and len(note) < 3:
        raise Refused("cases.task_note", "“{value}” needs a few words that say why.", value=InLanguages(chosen.title))
    unknown = [name for name in given if name not in {one.name for one in form.fields}]
    facts = {name: given[name] for name in unknown}
    lines = [note] if note else []
    for question in form.fields:
        value = _said(question, given.get(question.name), today)
        if question.kind == TEXT and value:
            lines.append(f"{question.title['en']}: {value}" if len(form.fields) > 1 and note else str(value))
        elif value is not None and question.kind != TEXT:
            facts[question.name] = value
    return facts, "\n".join(lines)


def _said(question: Question, value: Any, today: date) -> Any:
    if isinstance(value, str):
        value = value.strip()
    if value is None or value in ("", []):
        if question.is_required:
            raise _unfit(question, Detail("it has to be answered"))
        return None
    return _READ[question.kind](question, value, today)


def _units(question: Question, value: Any, today: date) -> list[str]:
    found = list(dict.fromkeys(value.split(",") if isinstance(value, str) else value))
    if len(found) > MOST_UNITS or not all(isinstance(one, str) and _UNIT.fullmatch(one) for one in found):
        raise _unfit(question, Detail("these are units of the city, {limit} at most", limit=MOST_UNITS))
    return found


def _day(question: Question, value: Any, today: date) -> str:
    try:
        found = date.fromisoformat(str(value)[:10])
    except ValueError as error:
        raise _unfit(question, Detail("a day is written as 2026-12-04")) from error
    if question.kind == DUE and not today <= found <= date(today.year + 2, 12, 31):
        raise _unfit(question, Detail("this day is past, or years away"))
    return found.isoformat()


def _number(question: Question, value: Any, today: date) -> float | int:
    try:
        found = float(value)
    except (TypeError, ValueError) as error:
        raise _unfit(question, Detail("a number is wanted here")) from error
    if not abs(found) < 1e12:
        raise _unfit(question, Detail("a number is wanted here"))
    return int(found) if found.is_integer() else found


def _boolean(question: Question, value: Any, today: date) -> bool:
    if value not in (True, False, "true", "false"):
        raise _unfit(question, Detail("true or false is wanted here"))
    return value in (True, "true")


def _choice(question: Question, value: Any, today: date) -> str:
    if value not in {one.value for one in question.choices}:
        raise _unfit(question, Detail("it is none of the choices"))
    return str(value)


def _text(question: Question, value: Any, today: date) -> str:
    return str(value)


_READ = {UNITS: _units, DAY: _day, DUE: _day, NUMBER: _number, BOOLEAN: _boolean, CHOICE: _choice, TEXT: _text}


def _unfit(question: Question, words: Detail) -> Refused:
    title = InLanguages(question.title)
    return Refused("cases.task_field", "“{value}” does not fit: {limit}.", value=title, limit=words)
