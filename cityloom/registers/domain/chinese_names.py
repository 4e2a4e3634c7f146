"""Parts of a Chinese address that are words: towns, villages, streets, estates, companies, and where one is."""

from __future__ import annotations

import re

from cityloom.registers.domain import chinese_patterns as patterns
from cityloom.registers.domain import divisions
from cityloom.registers.domain.chinese_reader import BEFORE_TOWN, DEEP, HEAD, Reader


def worded(reader: Reader) -> None:
    """Tell a part that is a word: the largest kind that can still come, else a name or where it is from one."""
    end = _end_of_word(reader.text, reader.place)
    is_deep = bool(reader.kinds & DEEP)
    if not is_deep and any(tell(reader, end) for tell in _IN_TURN):
        return
    relation = patterns.RELATION.match(reader.text, reader.place, end)
    if relation and reader.latest:
        reader.add("relation", relation.end())
    elif reader.latest in DEEP or reader.latest == "occupant":
        reader.add("occupant", end)
    else:
        _compound(reader, end)


def _end_of_word(text: str, place: int) -> int:
    mark = patterns.MARKS.get(text[place])
    if mark:
        closed = text.find(mark, place)
        return closed + 1 if closed >= 0 else len(text)
    found = patterns.WORD_ENDS.search(text, place + 1)
    return found.start() if found else len(text)


def _told(reader: Reader, kind: str, found: re.Match[str] | None) -> bool:
    if found:
        reader.add(kind, found.end())
    return found is not None


def _district(reader: Reader, end: int) -> bool:
    """A district that no list has, by the word for its kind."""
    if reader.latest not in ("province", "city") or "district" in reader.kinds:
        return False
    return _told(reader, "district", patterns.UNKNOWN_DISTRICT.match(reader.text, reader.place, end))


def _group(reader: Reader, end: int) -> bool:
    if reader.latest != "community":
        return False
    return _told(reader, "road", patterns.NAMED_GROUP.match(reader.text, reader.place, end))


def _town(reader: Reader, end: int) -> bool:
    """A town by the word for its kind, or without it where the division before has one of that name."""
    if reader.latest not in BEFORE_TOWN or "town" in reader.kinds:
        return False
    text, place = reader.text, reader.place
    found = patterns.TOWN.match(text, place, end) or patterns.TOWN_LONE.match(text, place, end)
    if found or reader.division is None:
        return _told(reader, "town", found)
    stop = divisions.town_at(text, place, reader.division.inside)
    if stop == place or patterns.NOT_AFTER_TOWN.match(text, stop):
        return False
    reader.add("town", stop)
    return True


def _zone(reader: Reader, end: int) -> bool:
    if reader.kinds & {"road", "zone"}:
        return False
    found = patterns.ZONE.match(reader.text, reader.place, end)
    if found and patterns.ROAD.match(reader.text, reader.place, found.end()):
        return False
    return _told(reader, "zone" if reader.latest in HEAD else "compound", found)


def _community(reader: Reader, end: int) -> bool:
    """A community; a village only where no street or estate came before it."""
    if "community" in reader.kinds:
        return False
    text, place = reader.text, reader.place
    if found := patterns.DISTRICTLET.match(text, place, end):
        return _told(reader, "community", found)
    if reader.kinds & {"road", "compound"}:
        return False
    found, road = patterns.COMMUNITY.match(text, place, end), patterns.ROAD.match(text, place, end)
    if not found or (road and road.end() <= found.end()) or text.startswith(("工业", "小学"), found.end()):
        return False
    return _told(reader, "community", found)


def _joined(reader: Reader, end: int) -> bool:
    """The word between two streets that cross."""
    if reader.latest not in ("road", "side_road", "road_number", "relation") or "road" not in reader.kinds:
        return False
    found = patterns.JOIN.match(reader.text, reader.place, end)
    return bool(found and patterns.ROAD.match(reader.text, found.end(), end)) and _told(reader, "relation", found)


def _street(reader: Reader, end: int) -> bool:
    found = patterns.ROAD.match(reader.text, reader.place, end)
    if not found:
        return False
    stop = _road(reader, found, end)
    reader.add("side_road" if "road" in reader.kinds else "road", stop)
    return True


_IN_TURN = (_district, _group, _town, _zone, _community, _joined, _street)


def _road(reader: Reader, found: re.Match[str], end: int) -> int:
    """Where a road's name ends; what stands before it in the same word is told first."""
    text, place = reader.text, reader.place
    stop = found.end()
    half = patterns.ROAD_HALF.match(text, stop, end)
    if half:
        stop = half.end()
    stem = patterns.STEM.match(text, place, stop)
    name = stem[1] if stem else ""
    before = patterns.BEFORE_ROAD.match(name + "路路")
    if before and before.end() < len(name):
        reader.add("compound", place + before.end())
    elif len(name) >= 4 and "road" not in reader.kinds:
        _tell_before(reader, place + len(name) - 2)
    return stop


def _tell_before(reader: Reader, end: int) -> None:
    """What stands before a street and has no word for its kind: a town, then a community."""
    if reader.latest in BEFORE_TOWN and "town" not in reader.kinds:
        reader.add("town", end if end - reader.place < 4 else reader.place + 2)
    reader.add("community" if "compound" not in reader.kinds else "sub_compound", end)


def _compound(reader: Reader, end: int) -> None:
    """The name of an estate, a building or a place, perhaps with one inside it and words for where it is from it."""
    stop, relation = _before_relation(reader, end)
    if stop == end and _stands_for_street(reader, end):
        return
    is_second = reader.latest in ("compound", "sub_compound")
    if reader.latest == "sub_compound":
        reader.add("occupant", stop)
    elif is_second or (reader.latest == "relation" and "compound" in reader.kinds):
        reader.add("sub_compound", stop)
    else:
        reader.add("compound", _end_of_first(reader, stop))
        reader.add("sub_compound", stop)
    if relation and stop < end:
        reader.add("relation", relation.end())


def _before_relation(reader: Reader, end: int) -> tuple[int, re.Match[str] | None]:
    """Where a name ends before words such as 对面, and these."""
    text, place = reader.text, reader.place
    tail = patterns.TRAILING.search(text, place, end)
    stop = tail.start() if tail and tail.start() > place + 1 else end
    inner = patterns.RELATION.search(text, place + 2, end)
    if inner and inner.start() < stop and inner.end() < end:
        return inner.start(), inner
    return stop, tail


def _end_of_first(reader: Reader, stop: int) -> int:
    """Where the first of two names ends that are written as one word, as in 天镜南苑西区; else the end of the word."""
    text, place = reader.text, reader.place
    for pattern in (patterns.INSIDE, patterns.HOST):
        found = pattern.search(text, place, stop) if pattern is patterns.INSIDE else pattern.match(text, place, stop)
        if found and found.end() < stop:
            return found.end()
    few = patterns.FEW.fullmatch(text, place, stop)
    return few.start(2) if few and (few.start(2) - place >= 4 or few[2].endswith("期")) else stop


def _stands_for_street(reader: Reader, end: int) -> bool:
    """A town, village or street without a word for its kind, told by the number that follows it."""
    text, latest = reader.text, reader.latest
    is_short = end - reader.place in (2, 3)
    if latest in BEFORE_TOWN and "town" not in reader.kinds and is_short and patterns.NUMBERED_ROAD.match(text, end):
        reader.add("town", end)
        return True
    half = patterns.HALF_NUMBERED.match(text, reader.place)
    if half and half.end(1) == end and "road" not in reader.kinds:
        return _told(reader, "road", half)
    if "community" not in reader.kinds and latest in ("town", "district") and patterns.GROUP.match(text, end):
        reader.add("community", end)
        return True
    if _is_bare_road(reader, end):
        reader.add("road", end)
        return True
    return False


def _is_bare_road(reader: Reader, end: int) -> bool:
    """Whether a word is a street without a word for it, before a number with 号, as in 大教场沿474号."""
    text, place = reader.text, reader.place
    if reader.kinds & {"road", "compound"} or not text[end : end + 1].isdecimal() or end - place > 4:
        return False
    if not patterns.ROAD_NUMBER.match(text, end) or patterns.BUILDING.match(text, end):
        return False
    return not patterns.COMPOUND_END.search(text, place, end)
