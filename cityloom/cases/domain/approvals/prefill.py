"""What a field of a form may be filled in with, by which register: `person lives-in parking_area`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cityloom.cases.domain.casetypes.casetype import CaseType, Field

PERSON, ORGANISATION, UNITS = "person", "organisation", "units"
FIELDS = ("name", "phone")
QUESTIONS = ("age-at-least", "lives-in")
KNOWN = ("person name, person phone, person age-at-least YEARS, person lives-in FIELD, organisation is-registered "
         "FIELD, units community")  # fmt: skip


@dataclass(frozen=True)
class Wish:
    """A register, what is asked of it, and what about: an age, or the field that names a place or an organisation."""

    source: str
    what: str
    argument: str = ""


@dataclass(frozen=True)
class PersonWishes:
    """What is asked about the person who applies: fields, and questions by the field of the form that they answer."""

    fields: dict[str, str]
    questions: dict[str, tuple[str, str]]
    place: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to ask."""
        return not self.fields and not self.questions


def wish_of(each: Field) -> Wish | None:
    """What a field wishes for; None for nothing, and for what no register of ours answers."""
    source, _, rest = each.prefill.partition(" ")
    what, _, argument = rest.partition(" ")
    known = {PERSON: (*FIELDS, *QUESTIONS), ORGANISATION: ("is-registered",), UNITS: ("community",)}
    return Wish(source, what, argument) if what in known.get(source, ()) else None


def of_person(casetype: CaseType, category: str, given: Mapping[str, Any]) -> PersonWishes:
    """What is asked about the person who applies; a question about a place only once the place is named."""
    fields, questions, place = {}, {}, ""
    for each in casetype.fields_for(category):
        wish = wish_of(each)
        if wish is None or wish.source != PERSON:
            continue
        if wish.what in FIELDS:
            fields[each.name] = wish.what
        elif wish.what == "lives-in":
            place = str(given.get(wish.argument) or "")
            if place:
                questions[each.name] = (wish.what, "")
        else:
            questions[each.name] = (wish.what, wish.argument)
    return PersonWishes(fields, questions, place)
