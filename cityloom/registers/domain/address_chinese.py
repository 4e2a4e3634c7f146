"""Addresses as they are written in Chinese, from the largest part to the smallest.

Read once from left to right: divisions by their names, then what has a word for its kind (街道, 路, 村, 号, 幢, 室);
a number without one is what must come next after the part before it.
"""

from __future__ import annotations

from cityloom.registers.domain import chinese_patterns as patterns
from cityloom.registers.domain.address_parts import Part
from cityloom.registers.domain.chinese_divisions import divided
from cityloom.registers.domain.chinese_names import worded
from cityloom.registers.domain.chinese_numbers import numbered
from cityloom.registers.domain.chinese_reader import Reader


def parts_of(text: str, home: str = "") -> tuple[tuple[Part, ...], str]:
    """The parts of a Chinese address, without gaps, and the code of the smallest division that it names.

    Of several divisions of one name the one within `home`, the first digits of a code, is meant; the code is "" where
    none is told apart.
    """
    reader = Reader(text, home)
    end = len(text)
    while reader.place < end:
        before = reader.place
        _step(reader)
        if reader.place == before:
            reader.add("other", before + 1)
    return _joined(reader.found), reader.division.code if reader.division and reader.is_sure else ""


def _joined(found: list[Part]) -> tuple[Part, ...]:
    """Neighbours of one kind that only make sense together as one."""
    joined: list[Part] = []
    for part in found:
        if joined and joined[-1].kind == part.kind and part.kind in _GROWS and joined[-1].end == part.start:
            joined[-1] = Part(part.kind, joined[-1].start, part.end)
        else:
            joined.append(part)
    return tuple(joined)


_GROWS = frozenset({"compound", "occupant", "other"})


def _step(reader: Reader) -> None:
    """Tell the next part."""
    sign = reader.text[reader.place]
    if _said_nothing(reader, sign) or divided(reader):
        return
    if (sign.isdecimal() or sign.isascii() or sign in _NUMBERS) and numbered(reader):
        return
    worded(reader)


def _said_nothing(reader: Reader, sign: str) -> bool:
    """Separators, notes to a courier, a 号 without its number."""
    text, place = reader.text, reader.place
    if sign == "号" and reader.latest in ("road", "side_road"):
        reader.add("other", place + 1)
        return True
    found = patterns.GAP.match(text, place) or (sign in _NOTES and patterns.NOTE.match(text, place))
    if found:
        reader.add("other", found.end())
    return bool(found)


_NOTES = frozenset("电自送放丰派请收市地详住某联")
_NUMBERS = frozenset(patterns.CN + "甲乙丙丁戊东南西北中主副附裙前后负地第底顶夹架整临新老综办科")
