"""Parts of a Chinese address that begin with a number or a letter: house, building, unit, floor, room."""

from __future__ import annotations

import re

from cityloom.registers.domain import chinese_patterns as patterns
from cityloom.registers.domain.chinese_reader import DEEP, Reader


def numbered(reader: Reader) -> bool:
    """Tell a part that begins with a number or a letter; False where none does here."""
    return any(tell(reader) for tell in _IN_TURN)


def _told(reader: Reader, kind: str, found: re.Match[str] | None) -> bool:
    if found:
        reader.add(kind, found.end())
    return found is not None


def _building(reader: Reader) -> bool:
    return _told(reader, "building", patterns.BUILDING.match(reader.text, reader.place))


def _unit(reader: Reader) -> bool:
    """A unit, or an alley between the stalls of a floor."""
    pattern = patterns.ALLEY if reader.latest == "floor" else patterns.UNIT
    found = patterns.UNIT.match(reader.text, reader.place) or pattern.match(reader.text, reader.place)
    return _told(reader, "unit", found)


def _street(reader: Reader) -> bool:
    """A group of a village, or a street that is called by a number."""
    if reader.kinds & DEEP:
        return False
    if found := patterns.GROUP.match(reader.text, reader.place):
        return _told(reader, "road_number" if "road" in reader.kinds else "road", found)
    found = patterns.NUMBERED_ROAD.match(reader.text, reader.place)
    return _told(reader, "side_road" if "road" in reader.kinds else "road", found)


def _phase(reader: Reader) -> bool:
    """A numbered part of an estate: 二期, A区, 3号门."""
    if reader.latest not in _BEFORE_PHASE:
        return False
    kind = "sub_compound" if reader.latest in _NAMES else "compound"
    return _told(reader, kind, patterns.PHASE.match(reader.text, reader.place))


def _dashes(reader: Reader) -> bool:
    found = patterns.DASHES.match(reader.text, reader.place)
    return bool(found) and not _is_range(found[0]) and _dashed(reader, found, reader.latest)


def _floor(reader: Reader) -> bool:
    return _told(reader, "floor", patterns.FLOOR.match(reader.text, reader.place))


def _room(reader: Reader) -> bool:
    return _told(reader, "room", patterns.ROOM.match(reader.text, reader.place))


def _lettered(reader: Reader) -> bool:
    """B763 after an estate: building B, room 763; in a market it is one stall."""
    if reader.latest not in _NAMES or patterns.STALLS.search(reader.text, 0, reader.place):
        return False
    return _split_letter(reader)


def _split_letter(reader: Reader) -> bool:
    found = patterns.LETTERED.match(reader.text, reader.place)
    if found:
        reader.add("building", reader.place + 1)
        reader.add("room", found.end())
    return found is not None


def _of_house(reader: Reader) -> bool:
    found = patterns.ROAD_NUMBER.match(reader.text, reader.place)
    return _told(reader, _kind_of_number(reader, reader.latest, found.end()) if found else "", found)


def _plain(reader: Reader) -> bool:
    if reader.latest in _AFTER_WHICH_ROOMS and _split_letter(reader):
        return True
    found = patterns.PLAIN.match(reader.text, reader.place)
    return _told(reader, _kind_of_plain(reader, reader.latest, found[0]) if found else "", found)


_NAMES = frozenset({"compound", "sub_compound"})
_AFTER_WHICH_ROOMS = _NAMES | {"road_number"}
_BEFORE_PHASE = _NAMES | {"road_number", "road", "zone", "town", "community"}
_IN_TURN = (_building, _unit, _street, _phase, _dashes, _floor, _lettered, _room, _of_house, _plain)


def _is_range(text: str) -> bool:
    """Whether two numbers with a dash are from one room to the next, as in 1207-1208."""
    pieces = patterns.PIECES.findall(text)
    return len(pieces) == 2 and len(pieces[0]) == len(pieces[1]) >= 3


def _dashed(reader: Reader, found: re.Match[str], last: str) -> bool:
    """7-2-801: building, unit and room, or as much of it as can follow the part before."""
    if last == "road" and _sub_number(reader):
        return True
    pieces = list(patterns.PIECES.finditer(found[0]))
    if last in ("road", "community", "side_road") and (found[0].endswith("号") or len(pieces) < 3):
        return False
    kinds = _LADDER.get(last, ("building", "unit", "room"))
    chosen = kinds if len(pieces) >= len(kinds) else (*kinds[: len(pieces) - 1], kinds[-1])
    start = found.start()
    for number, (piece, kind) in enumerate(zip(pieces, chosen, strict=False), 1):
        reader.add("other", start + piece.start())
        reader.add(kind, found.end() if number == min(len(pieces), len(chosen)) else start + piece.end())
    return True


def _sub_number(reader: Reader) -> bool:
    """970-12号 is house 12 of number 970; 135-139号 is a house from 135 to 139."""
    found = patterns.SUB_NUMBER.match(reader.text, reader.place)
    if not found or 0 < int(found[2]) - int(found[1]) < _LONGEST_RANGE:
        return False
    reader.add("road_number", found.end(1))
    reader.add("other", found.start(2))
    reader.add("building", found.end())
    return True


_LONGEST_RANGE = 20
_LADDER = {
    "building": ("unit", "room"), "unit": ("room",), "floor": ("room",), "room": ("room",),
    "compound": ("building", "unit", "room"), "sub_compound": ("building", "unit", "room"),
    "road_number": ("building", "unit", "room"),
}  # fmt: skip


def _kind_of_number(reader: Reader, last: str, end: int) -> str:
    """What a number with 号 or 弄 is, by the part before it."""
    sign = reader.text[end - 1]
    if last == "road" and "road_number" not in reader.kinds:
        return "side_road" if sign == "弄" and patterns.ROAD_NUMBER.match(reader.text, end) else "road_number"
    if last == "side_road":
        return "side_road_number"
    if last in ("community", "town", "district", "city", "zone", "") or (
        last == "relation" and "road_number" not in reader.kinds
    ):
        return "road_number"
    if last in ("compound", "sub_compound"):
        if patterns.STALLS.search(reader.text, 0, reader.place):
            return "room"
        has_road = "road_number" in reader.kinds or "road" in reader.kinds
        return "building" if has_road or end < len(reader.text) else "road_number"
    return {
        "road_number": "building",
        "building": "unit" if end - reader.place < 4 or reader.text[end : end + 1].isdecimal() else "room",
        "unit": "room",
        "floor": "room",
    }.get(last, "room")


def _kind_of_plain(reader: Reader, last: str, number: str) -> str:
    if last in ("road", "community"):
        return "road_number"
    if last == "side_road":
        return "side_road_number"
    if last in ("compound", "sub_compound"):
        return "room" if len(number) >= 4 or (len(number) == 3 and reader.place + 3 == len(reader.text)) else "building"
    if last == "road_number":
        return "room" if len(number) >= 3 else "building"
    return "room"
