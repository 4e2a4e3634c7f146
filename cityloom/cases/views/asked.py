"""The questions of an application as a page shows them: with what was typed, and what a register has filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from cityloom.accounts import queries as accounts
from cityloom.cases.display import said
from cityloom.cases.domain.approvals import prefill
from cityloom.cases.domain.casetypes.casetype import CaseType, Field

_LISTS = ("choices",)
_COMMUNITY_DEPTH = 3
SOURCES = {
    prefill.PERSON: gettext_noop("from the city's register of people"),
    prefill.ORGANISATION: gettext_noop("from the city's register of organisations"),
}


def key_of(each: Field) -> str:
    """What an answer is called in a form."""
    return f"answer-{each.name}"


def answers_in(sent: QueryDict, asked: tuple[Field, ...]) -> dict[str, Any]:
    """What was typed, by field."""
    return {each.name: sent.getlist(key_of(each)) if each.kind in _LISTS else sent.get(key_of(each), "")
            for each in asked}  # fmt: skip


def questions(casetype: CaseType, category: str, given: Mapping[str, Any], known: Mapping[str, Any]) -> list[Any]:
    """Each question with its answer; `known` are answers that a register has just given, and can be corrected."""
    return [_question(each, _plain(known.get(each.name, given.get(each.name))), each.name in known)
            for each in casetype.fields_for(category)]  # fmt: skip


def _question(each: Field, value: Any, is_filled: bool) -> dict[str, Any]:
    wish = prefill.wish_of(each)
    is_area = wish is not None and wish.source == prefill.UNITS
    one = {"kind": "choice" if is_area else each.kind, "is_required": each.is_required}
    choices = communities() if is_area else [(choice.value, said(choice.title)) for choice in each.choices]
    return {
        "one": one, "label": _labelled(each), "help": said(each.help), "id": key_of(each), "choices": choices,
        "value": "" if isinstance(value, list) else value, "values": value if isinstance(value, list) else [],
        "source": _(SOURCES[wish.source]) if is_filled and wish and wish.source in SOURCES else "",
        "by_register": each.by_register,
    }  # fmt: skip


def _labelled(each: Field) -> str:
    return f"{said(each.title)} ({each.unit})" if each.unit else said(each.title)


def _plain(value: Any) -> Any:
    """A value as a form writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else value if isinstance(value, list) else str(value)


def communities() -> list[tuple[str, str]]:
    """The smallest areas of the city, by name."""
    units = accounts.units()
    names = dict(units)
    return [(unit, f"{name} · {names.get(unit.rpartition('/')[0], '')}") for unit, name in units
            if unit.count("/") == _COMMUNITY_DEPTH]  # fmt: skip


def answered(casetype: CaseType, category: str, given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was answered, in words, in the order of the form."""
    return [(titled(each), words_of(each, given[each.name])) for each in casetype.fields_for(category)
            if given.get(each.name) not in (None, "", [])]  # fmt: skip


def titled(each: Field) -> str:
    """What a question is called where its answer follows."""
    return said(each.title).rstrip("?？")


def words_of(each: Field, value: Any) -> str:
    """An answer as it is read."""
    titles = {choice.value: said(choice.title) for choice in each.choices}
    if isinstance(value, list):
        return ", ".join(titles.get(one, one) for one in value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    wish = prefill.wish_of(each)
    if wish is not None and wish.source == prefill.UNITS:
        return accounts.unit_names_of({str(value)}).get(str(value), str(value))
    plain = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{titles.get(plain, plain)} {each.unit}".strip()
