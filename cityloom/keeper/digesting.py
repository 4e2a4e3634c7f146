"""What people's records say, in the form in which two versions of a person are compared; many at once."""

from __future__ import annotations

import unicodedata

import numpy as np
from numpy.typing import NDArray

from cityloom.keeper import index, record, sound
from cityloom.kernel.texts import packed

NUMBERS = ("sex", "needs", "sound")
"""What is said as a number, 8 bytes; all else is UTF-8 padded with zeros."""
_NO_PHONE = ord("-")
"""What no telephone begins with in its compared form."""
_FIRST_SIGN, _SECOND_BLOCK = (0xE3, 0x90), (0xE4, 0xB8)
"""How the signs begin in UTF-8: the extension at U+3400, and the usual ones at U+4E00."""
_LAST_LEAD = 0xE9


def said_in(records: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
    """By field of `record.DIGESTED` what each record, uint8 (n, 128), says, without what makes no difference.

    Rows of bytes, uint8 (n, width), the width of each field its own; zeros where nothing is said.
    """
    traits = record.traits_in(records)
    phones = index.messages("phone", records)
    phones[record.are_emptied(records, "phone"), 0] = _NO_PHONE
    needs = record.of_needs(traits) | np.where(record.are_emptied(records, "needs"), record.emptied("needs"), 0)
    return {
        "name": _letters(record.column(records, "name")),
        "national_id": index.messages("national_id", records), "phone": phones,
        "birth_date": record.column(records, "birth_date"), "sex": _bytes_of(record.of_sex(traits)),
        "needs": _bytes_of(needs), "sound": _bytes_of(sound.sounds(record.column(records, "name"))),
    }  # fmt: skip


def are_in_signs(records: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whose name has a Chinese sign in it."""
    return _signs(record.column(records, "name"), _FIRST_SIGN).any(axis=1)


def _signs(names: NDArray[np.uint8], first: tuple[int, int]) -> NDArray[np.bool_]:
    """Where a sign begins, from a first one on to U+9FFF."""
    lead, low = first
    following = np.pad(names[:, 1:], ((0, 0), (0, 1)))
    return (names > lead) & (names <= _LAST_LEAD) | (names == lead) & (following >= low)


def _bytes_of(values: NDArray[np.unsignedinteger]) -> NDArray[np.uint8]:
    return values.astype(">u8").view(np.uint8).reshape(-1, 8)


def _letters(names: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Letters and digits alone, small ones: usual signs and plain Latin letters all at once, other names one by one."""
    length = (names != 0).sum(axis=1)
    signs = 3 * _signs(names, _SECOND_BLOCK).sum(axis=1) == length
    plain = ~(names >= 0x80).any(axis=1) & ~signs
    out = np.where(signs[:, None], names, 0).astype(np.uint8)
    out[plain] = _plain_letters(names[plain])
    rest = np.flatnonzero(~signs & ~plain)
    if len(rest):
        texts = packed([_letters_of(names[row].tobytes()) for row in rest.tolist()])
        width = max(out.shape[1], texts.shape[1])
        out = np.pad(out, ((0, 0), (0, width - out.shape[1])))
        out[rest] = np.pad(texts, ((0, 0), (0, width - texts.shape[1])))
    return out


def _plain_letters(names: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same of names in ASCII, pushed to the left over what is left out."""
    small = np.where((names >= ord("A")) & (names <= ord("Z")), names + 32, names)
    kept = (small >= ord("a")) & (small <= ord("z")) | (small >= ord("0")) & (small <= ord("9"))
    order = np.argsort(~kept, axis=1, kind="stable")
    return np.take_along_axis(np.where(kept, small, 0), order, axis=1).astype(np.uint8)


def _letters_of(name: bytes) -> str:
    text = unicodedata.normalize("NFKC", name.rstrip(b"\x00").decode("utf-8", "replace")).casefold()
    return "".join(sign for sign in text if sign.isalnum())
