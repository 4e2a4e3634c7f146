"""What was answered to the questions of a form: read by the form's own rules, and parted into clear and sealed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from cityloom.cases.domain.casetypes.casetype import CaseType, Field
from cityloom.kernel import clock
from cityloom.kernel.refused import InLanguages, Refused

_YES, _NO = ("true", "yes", "1", "on"), ("false", "no", "0", "off")


@dataclass(frozen=True)
class Answers:
    """Values by field: those that may stand in clear, and those that are sealed for the case."""

    clear: dict[str, Any] = field(default_factory=dict)
    sealed: dict[str, Any] = field(default_factory=dict)


def read(casetype: CaseType, category: str, given: Mapping[str, Any]) -> Answers:
    """The answers to what a case of a category is asked; empty ones count as none, as in every form.

    Raises: Refused `cases.no_question`, `cases.unanswered`, `cases.answer`.
    """
    asked = {each.name: each for each in casetype.fields_for(category)}
    if unknown := sorted(set(given) - set(asked)):
        raise Refused("cases.no_question", "This form does not ask for {value}; it asks for: {limit}.",
                      value=unknown[0][:40], limit=", ".join(asked))  # fmt: skip
    answers = Answers()
    for name, each in asked.items():
        value = given.get(name)
        if value is None or value in ("", [], ()):
            if each.is_required:
                raise Refused("cases.unanswered", "“{value}” has to be answered.", value=InLanguages(each.title))
            continue
        (answers.sealed if each.is_sealed else answers.clear)[name] = _READERS[each.kind](each, value)
    return answers


def _wrong(asked: Field, wanted: object) -> Refused:
    return Refused("cases.answer", "The answer to “{value}” does not fit; what fits is: {limit}.",
                   value=InLanguages(asked.title), limit=wanted)  # fmt: skip


def _text(asked: Field, value: Any) -> str:
    words = str(value).strip()
    if len(words) > asked.longest:
        raise Refused("cases.answer_long", "The answer to “{value}” may have {limit} signs; shorten it.",
                      value=InLanguages(asked.title), limit=asked.longest)  # fmt: skip
    return words


def _integer(asked: Field, value: Any) -> int:
    number = _number(asked, value)
    if number != int(number):
        raise _wrong(asked, "1, 2, 3 …")
    return int(number)


def _number(asked: Field, value: Any) -> float:
    try:
        number = float(str(value).strip())
    except ValueError as error:
        raise _wrong(asked, "12.5") from error
    if not math.isfinite(number):
        raise _wrong(asked, "12.5")
    low, high = asked.least, asked.most
    if (low is not None and number < low) or (high is not None and number > high):
        raise _wrong(asked, f"{'…' if low is None else low:} – {'…' if high is None else high:}")
    return number


def _boolean(asked: Field, value: Any) -> bool:
    said = str(value).strip().lower()
    if said not in (*_YES, *_NO):
        raise _wrong(asked, "true, false")
    return said in _YES


def _day(asked: Field, value: Any) -> str:
    try:
        return date.fromisoformat(str(value).strip()).isoformat()
    except ValueError as error:
        raise _wrong(asked, "2026-11-02") from error


def _instant(asked: Field, value: Any) -> str:
    try:
        return clock.to_text(clock.asked_for(str(value).strip()))
    except ValueError as error:
        raise _wrong(asked, "2026-11-02T08:30:00+08:00") from error


def _choice(asked: Field, value: Any) -> str:
    if value not in [one.value for one in asked.choices]:
        raise _wrong(asked, ", ".join(one.value for one in asked.choices))
    return str(value)


def _choices(asked: Field, value: Any) -> list[str]:
    chosen = [value] if isinstance(value, str) else list(value)
    return [_choice(asked, one) for one in dict.fromkeys(chosen)]


_READERS: dict[str, Callable[[Field, Any], Any]] = {
    "text": _text, "long-text": _text, "integer": _integer, "number": _number, "boolean": _boolean, "date": _day,
    "datetime": _instant, "choice": _choice, "choices": _choices,
}  # fmt: skip
