"""Who stands where in a dispute, and what is said about a party before it is sealed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cityloom.kernel.refused import Refused

SIDES = ("one", "other", "both")
"""The side that asks for mediation, the side that is asked; an interpreter may be for both."""
CAPACITIES = ("party", "representative", "interpreter")
LONGEST_NAME, LONGEST_CONTACT, LONGEST_NUMBER, MOST_PARTIES = 120, 300, 40, 40
_SPACES = re.compile(r"\s+")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, repr=False)
class Said:
    """What is written down about somebody; it is never shown by itself, and never in an error."""

    side: str
    capacity: str
    name: str
    contact: str = ""
    number: str = ""
    unit: str = ""

    def parts(self) -> dict[str, bytes]:
        """The parts of the packet that it is sealed as."""
        who = {"name": self.name, "number": self.number} if self.number else {"name": self.name}
        parts = {"party": json.dumps(who, ensure_ascii=False).encode()}
        return parts | {"contact": self.contact.encode()} if self.contact else parts


@dataclass(frozen=True, repr=False)
class Opened:
    """A party as those who work on the case read it."""

    name: str
    contact: str


def said(side: str, capacity: str, name: str, contact: str, number: str, unit: str) -> Said:
    """What somebody wrote about a party, as it is kept.

    Raises: Refused `cases.party_side`, `cases.party_capacity`, `cases.party_name`, `cases.party_long`.
    """
    _check_among("cases.party_side", "{value} is no side of a dispute; there are: {limit}.", side, SIDES)
    _check_among("cases.party_capacity", "{value} is nothing that somebody is in a dispute; there are: {limit}.",
                 capacity, CAPACITIES)  # fmt: skip
    if side == "both" and capacity != "interpreter":
        raise Refused("cases.party_side", "Only an interpreter is for both sides; choose one of them.")
    found = Said(side, capacity, _short(name, LONGEST_NAME), _short(contact, LONGEST_CONTACT),
                 plain_number(number), unit)  # fmt: skip
    if not found.name:
        raise Refused("cases.party_name", "Write down what the party is called; it is sealed at once.")
    return found


def opened(parts: Mapping[str, bytes]) -> Opened:
    """What a packet says about a party; the number is never shown."""
    return Opened(json.loads(parts["party"])["name"], parts.get("contact", b"").decode())


def word_in_case(case_id: str, number: str) -> bytes:
    """The word by which the keeper can say whether somebody is a party of one case, and of no other.

    The case stands in it: nobody can ask the keeper in which disputes somebody is.
    """
    return f"{case_id} {plain_number(number)}".encode()


def plain_number(text: str) -> str:
    """A number of identity as it is compared: digits and letters alone."""
    return re.sub(r"[^0-9A-Z]", "", _short(text, LONGEST_NUMBER).upper())


def _short(text: str, longest: int) -> str:
    words = _SPACES.sub(" ", _CONTROLS.sub(" ", text)).strip()
    if len(words) > longest:
        raise Refused("cases.party_long", "That is longer than the {limit} signs that are kept of it; shorten it.",
                      limit=longest)  # fmt: skip
    return words


def _check_among(code: str, sentence: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise Refused(code, sentence, value=value[:20] or "–", limit=", ".join(known))
