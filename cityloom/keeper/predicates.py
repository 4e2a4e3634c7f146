"""Questions about a person that are answered with yes or no."""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray

from cityloom.keeper import record
from cityloom.kernel.refused import Refused

AGES = {"age-at-least": True, "age-under": False}
PLACES = ("lives-in", "same-household")
_OLDEST = 130


def fields_of(question: str, argument: str) -> tuple[str, ...]:
    """The sealed fields that a question looks at, in the order in which `answer` takes them. Raises: Refused."""
    if question in AGES:
        years_of(argument)
        return ("birth_date",)
    if question == "is":
        field, _, value = argument.partition("=")
        if field not in record.FIELDS or not value:
            raise _odd_argument("field=value, with a field that people have")
        return (field,)
    return ()


def years_of(argument: str) -> int:
    """An age in years. Raises: Refused."""
    if not argument.isascii() or not argument.isdecimal() or not 0 < int(argument) <= _OLDEST:
        raise _odd_argument(f"a whole number of years, 1 to {_OLDEST}")
    return int(argument)


def answer(question: str, argument: str, values: list[str], today: date) -> bool | None:
    """The answer from one person's sealed fields; None where the register cannot tell."""
    if question == "is":
        field, _, stated = argument.partition("=")
        return _plain(field, values[0]) == _plain(field, stated) if values[0] else None
    birth = _birth(values[0])
    if birth is None:
        return None
    age = today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))
    return (age >= years_of(argument)) is AGES[question]


def place_answers(question: str, places: NDArray[np.int64], wanted: NDArray[np.int64]) -> list[bool]:
    """Whether each dwelling is one of those in question, or the same as that of all the others."""
    if question == "lives-in":
        return np.isin(places, wanted).tolist()
    return [bool(len(places) > 1 and (places == places[0]).all())] * len(places)


def _birth(text: str) -> date | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None


def _plain(field: str, text: str) -> str:
    return "".join(text.split()).upper().removeprefix("+86" if field == "phone" else "")


def _odd_argument(wanted: str) -> Refused:
    return Refused("gate.bad_question", "The question cannot be read; it takes {limit}.", limit=wanted)
