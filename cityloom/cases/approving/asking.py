"""Ask once: what a resident lets the registers say of them for an application, vouched for until it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core import signing

from cityloom.accounts import queries as accounts
from cityloom.cases.domain.approvals import prefill
from cityloom.cases.domain.casetypes.casetype import CaseType
from cityloom.cases.domain.casetypes.table import within
from cityloom.gate import actions as gate
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers

PURPOSE = "applications"
_SALT = "cityloom.cases.vouched"
_LASTS_S = 3_600


def filled_in(casetype: CaseType, category: str, given: Mapping[str, Any], by: Actor, at: datetime) -> dict[str, Any]:
    """What the registers say, by field of the form; a question that they cannot answer is left out.

    Raises: Refused `cases.no_area`, `cases.nothing_known`, and from the gate (`gate.no_link`, ...).
    """
    wishes = prefill.of_person(casetype, category, given)
    if wishes.place and not accounts.unit_names_of({wishes.place}):
        raise Refused("cases.no_area", "{value} is no area of this city; choose one of the list.",
                      value=wishes.place[:80])  # fmt: skip
    if wishes.is_empty:
        raise Refused("cases.nothing_known", "No register answers what this form asks; fill it in yourself.")

    def lives_there(home: int) -> bool | None:
        unit = registers.unit_of_dwelling(home) if home else ""
        return within(unit, wishes.place) if unit else None

    names, questions = dict(wishes.fields), list(wishes.questions.items())
    told, answers = gate.ask_own(by=by, at=at, fields=set(names.values()), questions=[one for _, one in questions],
                                 lives_there=lives_there)  # fmt: skip
    found: dict[str, Any] = {name: told[what] for name, what in names.items() if told.get(what)}
    pairs = zip((name for name, _ in questions), answers, strict=True)
    return found | {name: answer for name, answer in pairs if answer is not None}


def signed(by: Actor, casetype: CaseType, category: str, given: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """What was filled in, in a form that only this city can have written, for this account and this application.

    Names and telephone numbers are not in it: nothing is decided by them.
    """
    answers = {name: value for name, value in found.items() if isinstance(value, bool)}
    place = prefill.of_person(casetype, category, given).place
    said = {"account": by.account, "for": f"{casetype.name} {category}", "place": place, "answers": answers}
    return signing.dumps(said, salt=_SALT)


def vouched(text: str, by: Actor, casetype: CaseType, category: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a register has said, where it was asked by this account for this application and not too long ago."""
    try:
        said = signing.loads(text, salt=_SALT, max_age=_LASTS_S) if text else {}
    except signing.BadSignature:
        return {}
    place = prefill.of_person(casetype, category, given).place
    fits = said.get("account") == by.account and said.get("for") == f"{casetype.name} {category}"
    return dict(said["answers"]) if fits and said.get("place") == place else {}
