"""What a person is asked when a task is finished: outcomes to choose from, and fields, as the file says by extension.

`<extensionElements><cityloom:task due="5 working days" xmlns:cityloom="urn:cityloom:process"> … </cityloom:task>`
"""

from __future__ import annotations

import re
from typing import Any

from cityloom.cases.domain import xmltext
from cityloom.cases.domain.processes.faults import unsupported, wrong
from cityloom.cases.domain.processes.process import Choice, Form, Question, Timer, Titles
from cityloom.cases.domain.processes.timing import FACT, duration
from cityloom.kernel.refused import Detail

SPACE = "urn:cityloom:process"
UNITS, DAY, DUE, NUMBER, BOOLEAN, CHOICE, TEXT = "units", "date", "due", "number", "boolean", "choice", "text"
KINDS = (UNITS, DAY, DUE, NUMBER, BOOLEAN, CHOICE, TEXT)
MOST = 30
_VALUE = re.compile(r"[a-z][a-z0-9-]{0,39}")
_SHARE = re.compile(r"0\.[0-9]{1,2}")
_SAID = {"task": {"due", "remind"}, "outcome": {"value", "title", "zh-hans", "note"},
         "field": {"name", "kind", "title", "zh-hans", "required"}, "choice": {"value", "title", "zh-hans"},
         "words": {"zh-hans"}}  # fmt: skip


def words_in(element: Any, allowed: frozenset[str] = frozenset()) -> tuple[str, Any]:
    """The Chinese name of an element, and its `task` where there may be one; nothing else of an extension is known.

    Raises: Refused `cases.process_unsupported`, `cases.process_wrong`.
    """
    chinese, task = "", None
    for extension in xmltext.children(element):
        if xmltext.name_of(extension)[0] != "extensionElements":
            continue
        for child in xmltext.children(extension):
            name, space = xmltext.name_of(child)
            if space != SPACE or name not in {"words"} | allowed:
                raise unsupported(child, extension)
            _check_said(child)
            chinese, task = (child.get("zh-hans", "")[:200], task) if name == "words" else (chinese, child)
    return chinese, task


def form_of(task: Any, within: Any) -> Form:
    """The form of a task.

    Raises: Refused `cases.process_unsupported`, `cases.process_wrong`.
    """
    outcomes, fields = [], []
    for child in xmltext.children(task):
        name, space = xmltext.name_of(child)
        if space != SPACE or name not in ("outcome", "field"):
            raise unsupported(child, within)
        _check_said(child)
        if name == "outcome":
            outcomes.append(_outcome(child))
        else:
            fields.append(_field(child))
    for names in ([one.value for one in outcomes], [one.name for one in fields]):
        if len(set(names)) != len(names) or len(names) > MOST:
            raise wrong(within, Detail("an outcome or a field stands there twice, or there are more than {limit}",
                                       limit=MOST))  # fmt: skip
    remind = task.get("remind", "")
    if remind and not _SHARE.fullmatch(remind):
        raise wrong(within, Detail("{value} is no share of time, as in {limit}", remind[:20], "0.8"))
    return Form(tuple(outcomes), tuple(fields), _due(task, within), float(remind) if remind else None)


def _due(task: Any, within: Any) -> Timer | None:
    text = task.get("due", "")
    if not text:
        return None
    if FACT.fullmatch(text):
        return Timer(fact=text)
    try:
        return duration(text)
    except ValueError as error:
        raise wrong(within, Detail("its timer {value} is not written as {limit}", text[:40],
                                   "P3DT12H, 5 working days, answer_by")) from error  # fmt: skip


def _outcome(element: Any) -> Choice:
    note = element.get("note", "optional")
    if note not in ("optional", "required"):
        raise wrong(element, Detail("its {value} is {limit}", "note", "optional, required"))
    return Choice(_value(element, "value", _VALUE), _titles(element), note == "required")


def _field(element: Any) -> Question:
    kind, needed = element.get("kind", ""), element.get("required", "false")
    choices = tuple(Choice(_value(one, "value", _VALUE), _titles(one)) for one in _choices(element))
    if kind not in KINDS or needed not in ("true", "false"):
        raise wrong(element, Detail("its kind is none of {limit}, or required is neither true nor false",
                                    limit=", ".join(KINDS)))  # fmt: skip
    if bool(choices) != (kind == CHOICE) or len(choices) > MOST:
        raise wrong(element, Detail("a choice has choices in it, {limit} at most, and nothing else has", limit=MOST))
    return Question(_value(element, "name", FACT), kind, _titles(element), needed == "true", choices)


def _choices(element: Any) -> list[Any]:
    found = list(xmltext.children(element))
    for each in found:
        if xmltext.name_of(each) != ("choice", SPACE):
            raise unsupported(each, element)
        _check_said(each)
    return found


def _check_said(element: Any) -> None:
    known = _SAID[xmltext.name_of(element)[0]]
    for name in element.attrib:
        if str(name) not in known:
            raise wrong(element, Detail("its attribute {value} is not understood here; take it away", str(name)[:60]))


def _value(element: Any, name: str, form: re.Pattern[str]) -> str:
    text = str(element.get(name, ""))
    if not form.fullmatch(text):
        raise wrong(element, Detail("its {value} is missing, or not of small letters and digits", name))
    return text


def _titles(element: Any) -> Titles:
    english = element.get("title", "")[:200]
    if not english:
        raise wrong(element, Detail("its {value} is missing, or not of small letters and digits", "title"))
    return {"en": english, "zh-hans": element.get("zh-hans", "")[:200] or english}
