"""The blind index: short keyed tokens of what people are searched by, one for each slot.

A stored token is a one followed by its leading bits, so that it says how many bits it has; 0 is an empty slot.
"""

from __future__ import annotations

import re
import unicodedata

import numpy as np
from numpy.typing import NDArray

from cityloom.keeper import blocks, record, sound
from cityloom.kernel import ids

WHOLE_BITS = 31
PEOPLE_A_TOKEN = 64
"""How many share a token on average, or up to twice as many: fewer than 16 in one chance of 10^12 (Poisson)."""
_ROWS = 1 << 20
_LOOK_ROWS = 1 << 16  # few enough to stay in the processor's cache
_MESSAGE_BYTES = 32
_PHONE = 16
_SIEVE = 1 << 22  # places; a sieve that fits the processor's cache
_SEPARATORS = re.compile(r"[\s().\-\u2010-\u2015]+")
_PLUS, _LETTER_X = ord("+"), ord("x")
_COUNTRY = np.frombuffer(b"+86", np.uint8)


def normalised(field: str, text: str) -> bytes:
    """What is compared: without separators, letters as capitals, a phone number without +86 or 0086 or a plus."""
    plain = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()
    if field == "phone":
        plain = re.sub(r"^(\+86|0086|\+)", "", plain)
    return plain.encode()[:_MESSAGE_BYTES]


class BlindIndex:
    """Makes tokens; each field has a key of its own."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        self._keys = keys

    def tokens(self, field: str, records: NDArray[np.uint8]) -> NDArray[np.uint32]:
        """A whole token for each record, uint8 (n, 128); a random one where the field is empty."""
        plain = messages(field, records)
        tokens = _whole(blocks.message_codes(self._keys[field], plain))
        empty = np.flatnonzero(plain[:, 0] == 0)
        tokens[empty] = _whole(np.frombuffer(ids.random_bytes(4 * len(empty)), np.uint8).reshape(-1, 4))
        return tokens

    def token(self, field: str, value: str) -> int | None:
        """The whole token of a value; None where nothing is left of it to search for."""
        plain = normalised(field, value)
        if not plain:
            return None
        message = np.frombuffer(plain.ljust(_MESSAGE_BYTES, b"\x00"), np.uint8).reshape(1, -1)
        return int(_whole(blocks.message_codes(self._keys[field], message))[0])


class PairIndex:
    """Makes tokens of two things that a person is compared by; they are whole, and each pair has a key of its own."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        self._keys = keys

    def tokens(self, records: NDArray[np.uint8]) -> dict[str, tuple[NDArray[np.uint32], NDArray[np.bool_]]]:
        """For each pair a token for each record, uint8 (n, 128), and whether it has both parts; else it is random."""
        parts = {"sound": sound.sounds(record.column(records, "name")).view(np.uint8).reshape(-1, 8),
                 "birth": record.column(records, "birth_date"), "phone": messages("phone", records)[:, :_PHONE]}
        there = {name: part.any(axis=1) for name, part in parts.items()}
        return {pair: self._paired(pair, parts, there) for pair in self._keys}

    def _paired(
        self, pair: str, parts: dict[str, NDArray[np.uint8]], there: dict[str, NDArray[np.bool_]]
    ) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:  # fmt: skip
        one, other = pair.split("-")
        both = np.concatenate([parts[one], parts[other]], axis=1)
        padded = np.pad(both, ((0, 0), (0, _MESSAGE_BYTES - both.shape[1])))
        tokens, good = _whole(blocks.message_codes(self._keys[pair], padded)), there[one] & there[other]
        empty = np.flatnonzero(~good)
        tokens[empty] = _whole(np.frombuffer(ids.random_bytes(4 * len(empty)), np.uint8).reshape(-1, 4))
        return tokens, good


def meetings(held: NDArray[np.uint32], wanted: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of `wanted` and slots of `held` that are equal, once over all slots; work grows with both, not with both
    together."""
    order = np.argsort(wanted, kind="stable")
    ordered = wanted[order]
    is_near = np.zeros(_SIEVE, np.bool_)
    is_near[wanted & np.uint32(_SIEVE - 1)] = True
    rows, slots = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for first in range(0, len(held), _ROWS):
        part = held[first : first + _ROWS]
        near = np.flatnonzero(is_near[part & np.uint32(_SIEVE - 1)])
        begin, end = (np.searchsorted(ordered, part[near], side) for side in ("left", "right"))
        count = end - begin
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        rows.append(order[np.repeat(begin, count) + within])
        slots.append(np.repeat(near + first, count))
    return np.concatenate(rows), np.concatenate(slots)


def bits_for(people: int) -> int:
    """How many bits of a token so many people allow."""
    return max(0, (people // PEOPLE_A_TOKEN).bit_length() - 1)


def settle(tokens: NDArray[np.uint32], bits: int) -> None:
    """Shorten, in place, every token that has more bits; the bits that go are gone."""
    for first in range(0, len(tokens), _ROWS):
        part = tokens[first : first + _ROWS]
        for longer in range(int(part.max(initial=0)).bit_length() - 1, bits, -1):
            here = part >> np.uint32(longer) == 1
            if here.any():
                part[here] >>= np.uint32(longer - bits)


def lengths(tokens: NDArray[np.uint32]) -> range:
    """Every number of bits that a stored token may have."""
    if not len(tokens) or not (most := int(tokens.max())):
        return range(0)
    least = int((tokens - np.uint32(1)).min()) + 1  # an empty slot's 0 wraps around to the largest number
    return range(least.bit_length() - 1, most.bit_length())


def places(tokens: NDArray[np.uint32], whole: int, bits: range) -> NDArray[np.int64]:
    """The slots whose tokens agree with a whole one, as far as they go."""
    wanted = [np.uint32(whole >> (WHOLE_BITS - each)) for each in bits]
    found = [np.zeros(0, np.int64)]
    for first in range(0, len(tokens), _LOOK_ROWS):
        part = tokens[first : first + _LOOK_ROWS]
        found += [here + first for each in wanted if len(here := np.flatnonzero(part == each))]
    return np.sort(np.concatenate(found))


def _whole(codes: NDArray[np.uint8]) -> NDArray[np.uint32]:
    leading = np.ascontiguousarray(codes[:, :4]).view(">u4").reshape(-1).astype(np.uint32)
    return leading >> np.uint32(1) | np.uint32(1 << WHOLE_BITS)


def messages(field: str, records: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`normalised` for many records at once: all that look usual together, the others one by one."""
    column = record.column(records, field)
    rows = np.zeros((len(column), _MESSAGE_BYTES), np.uint8)
    rows[:, : column.shape[1]] = column
    if field == "phone":
        _shift(rows, np.flatnonzero((column[:, :3] == _COUNTRY).all(axis=1)), 3)
        _shift(rows, np.flatnonzero(rows[:, 0] == _PLUS), 1)
    rows[rows == _LETTER_X] -= 32
    for row in np.flatnonzero(_unusual(rows) | (column[:, :4] == np.frombuffer(b"0086", np.uint8)).all(axis=1)):
        text = column[row].tobytes().rstrip(b"\x00").decode("utf-8", "replace")
        rows[row] = np.frombuffer(normalised(field, text).ljust(_MESSAGE_BYTES, b"\x00"), np.uint8)
    return rows


def _shift(texts: NDArray[np.uint8], rows: NDArray[np.int64], by: int) -> None:
    texts[rows] = np.concatenate([texts[rows, by:], np.zeros((len(rows), by), np.uint8)], axis=1)


def _unusual(rows: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Rows with anything but digits and capitals."""
    digit = (rows >= ord("0")) & (rows <= ord("9"))
    capital = (rows >= ord("A")) & (rows <= ord("Z"))
    return ~(digit | capital | (rows == 0)).all(axis=1)

