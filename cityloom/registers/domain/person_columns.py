"""What files say about people, as values of the register: names, numbers, phones, needs; and what disagrees."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from cityloom.registers.domain import identifiers
from cityloom.registers.domain.assumptions import NEEDS

SEXES = ("unknown", "female", "male", "other")
NAME_BYTES, PHONE_BYTES = 48, 16
"""What the sealed record has room for, in UTF-8."""
Read = tuple[list[str], dict[int, str]]
"""Values, and by place the rule that a value breaks."""
_DOT = "\u00b7"
_DOTS = re.compile(r"[\u2022\u2027\u2219\u22c5\u30fb\uff65\u318d\u2024\u0387]")
_DOT_IN_CHINESE = re.compile(r"(?<=[\u3400-\u9fff])[.\uff0e](?=[\u3400-\u9fff])")
_SPACE_IN_CHINESE = re.compile(r"(?<=[\u3400-\u9fff\u00b7])\s+(?=[\u3400-\u9fff\u00b7])")
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F) if chr(code) != "\uff0e"} | {0x3000: 0x20}
_PHONE = re.compile(r"\+?[0-9]{5,15}")
_PHONE_SIGNS = re.compile(r"[\s().\-\u2010-\u2015]+")
_LIST = re.compile(r"[;,/|\u3001\uff0c\uff1b\s]+")
_OLD = re.compile(r"[0-9]{15}")


def names(texts: Sequence[str]) -> Read:
    """Names with one kind of middle dot and no space between Chinese characters.

    Nothing else is changed: a rare character is what its bearer is called.
    """
    values = [text if text.isascii() or _is_usual(text) else _name(text) for text in texts]
    return values, {place: "too_long" for place, name in enumerate(values) if _length(name) > NAME_BYTES}


def _length(name: str) -> int:
    return len(name.encode("utf-8", "replace"))


def _is_usual(text: str) -> bool:
    return all("\u4e00" <= sign <= "\u9fff" for sign in text)


def _name(text: str) -> str:
    plain = _DOTS.sub(_DOT, unicodedata.normalize("NFC", text).translate(_WIDE))
    plain = _DOT_IN_CHINESE.sub(_DOT, plain)
    return " ".join(_SPACE_IN_CHINESE.sub("", plain).split())


def identity_numbers(texts: Sequence[str]) -> Read:
    """Resident identity numbers of 18 signs; an old one of 15 digits gets its century and its check sign.

    Source: GB 11643-1989, GB 11643-1999.
    """
    values = [_eighteen(text) if len(text) == 15 and _OLD.fullmatch(text) else text for text in texts]
    found = identifiers.resident_id_faults(values)
    wrong = np.flatnonzero(found).tolist()
    return values, {place: identifiers.FAULTS[found[place]] for place in wrong if values[place]}


def _eighteen(old: str) -> str:
    """The number that stands for an old one: everybody who had one was born in the 1900s."""
    start = f"{old[:6]}19{old[6:]}"
    return start + identifiers.resident_id_sign(start)


def phones(texts: Sequence[str]) -> Read:
    """Phone numbers without separators, in digits of one width."""
    values = [text if text.isascii() and text.isdigit() else _phone(text) for text in texts]
    return values, {place: "shape" for place, phone in enumerate(values) if phone and not _PHONE.fullmatch(phone)}


def _phone(text: str) -> str:
    return _PHONE_SIGNS.sub("", unicodedata.normalize("NFKC", text))


def needs(texts: Sequence[str], codes: Mapping[str, str]) -> Read:
    """Lists of needs, by the mapping's code list, as words in the order of the register's list."""
    values, faults, known = [], {}, {text: _needs(text, codes) for text in set(texts)}
    for place, text in enumerate(texts):
        found = known[text]
        values.append(found or "")
        if found is None:
            faults[place] = "unknown_code"
    return values, faults


def _needs(text: str, codes: Mapping[str, str]) -> str | None:
    said = [text] if text in codes else [part for part in _LIST.split(text) if part]
    if not all(part in codes for part in said):
        return None
    meant = {codes[part] for part in said}
    return ",".join(need for need in NEEDS if need in meant)


READ: dict[str, Callable[[Sequence[str]], Read]] = {
    "person_name": names, "person_id": identity_numbers, "phone": phones,
}  # fmt: skip


COMPARED = ("national_id", "birth_date", "sex")
"""What `disagreements` reads."""


def disagreements(values: Mapping[str, Sequence[str | None]]) -> list[tuple[int, str, str]]:
    """Rows whose day of birth or sex is not what their identity number says: place, field, rule."""
    numbers, found = values.get("national_id"), []
    for place, number in enumerate(numbers or ()):
        if not number or len(number) != 18:
            continue
        born = _at(values, "birth_date", place)
        if born and born.replace("-", "") != number[6:14]:
            found.append((place, "birth_date", "not_as_in_number"))
        sex = _at(values, "sex", place)
        if sex in ("female", "male") and sex != sex_in(number):
            found.append((place, "sex", "not_as_in_number"))
    return found


def _at(values: Mapping[str, Sequence[str | None]], name: str, place: int) -> str:
    return (values[name][place] or "") if name in values else ""


def sex_in(number: str) -> str:
    """What the last digit before the check sign says. Source: GB 11643-1999, 4.3."""
    return "male" if number[16] in "13579" else "female"
