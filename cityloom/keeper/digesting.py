"""What a person's record says, in the form in which two versions of it are compared."""

from __future__ import annotations

import unicodedata

import numpy as np

from cityloom.keeper import index, record, sound

_HAN = 0x3400, 0x9FFF


def said_in(plain: bytes) -> dict[str, bytes]:
    """By field of `record.DIGESTED` what is said, without what makes no difference; empty where nothing is."""
    row = np.frombuffer(plain, np.uint8).reshape(1, -1)
    name, number, phone, born = record.read_record(plain, ("name", "national_id", "phone", "birth_date"))
    traits = record.traits_in(row)
    sex, needs = int(record.of_sex(traits)[0]), int(record.of_needs(traits)[0])
    sounds = int(sound.sounds(record.column(row, "name"))[0])
    return {
        "name": _letters(name).encode(), "national_id": index.normalised("national_id", number),
        "phone": index.normalised("phone", phone), "birth_date": born.encode(), "sex": _number(sex),
        "needs": _number(needs), "sound": _number(sounds),
    }  # fmt: skip


def _letters(name: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFKC", name).casefold() if sign.isalnum())


def _number(value: int) -> bytes:
    return value.to_bytes(8, "big") if value else b""


def is_in_signs(plain: bytes) -> bool:
    """Whether a name is written in Chinese signs."""
    (name,) = record.read_record(plain, ("name",))
    return any(_HAN[0] <= ord(sign) <= _HAN[1] for sign in name)
