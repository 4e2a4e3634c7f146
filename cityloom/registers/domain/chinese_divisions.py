"""Countries and divisions at the head of a Chinese address."""

from __future__ import annotations

from cityloom.registers.domain import chinese_patterns as patterns
from cityloom.registers.domain import divisions
from cityloom.registers.domain.address_parts import Part
from cityloom.registers.domain.chinese_reader import DEEP, HEAD, Reader
from cityloom.registers.domain.divisions import Division


def divided(reader: Reader) -> bool:
    """Tell a country or division; one that is told again says nothing. False where none is here."""
    text, place = reader.text, reader.place
    if not reader.found and (country := patterns.COUNTRY.match(text, place)):
        return _country(reader, country.end())
    if (
        reader.kinds - {"country"}
        and text[place] in patterns.FIRST_OF_PROVINCES
        and patterns.PROVINCE.match(text, place)
    ):
        reader.begin_again()
    if reader.kinds & DEEP:
        return False
    end, named = divisions.at(text, place)
    chosen = _chosen(reader, named, end) if named else None
    return chosen is not None and _taken(reader, chosen, end)


def _country(reader: Reader, end: int) -> bool:
    is_company = reader.text.startswith(_NATIONAL, end)
    if not is_company:
        reader.add("country", end)
    return not is_company


def _taken(reader: Reader, chosen: Division, end: int) -> bool:
    """Add a division; False where the word is the beginning of a name rather than the division again."""
    if _fuller(reader, chosen):
        reader.add(chosen.level, end)
        reader.division = chosen
    elif _is_again(reader, chosen):
        if (chosen.is_short or reader.latest not in HEAD) and not _goes_on(reader, end):
            return False
        reader.add("other", end)
    else:
        if chosen.level != "province" or reader.division is None:
            reader.division = chosen
        reader.add(chosen.level, end)
    return True


def _is_again(reader: Reader, chosen: Division) -> bool:
    """Whether a division of this level, or something smaller, came before; a city may come after a town."""
    if chosen.level == "city" and not reader.kinds & {"city", "district"}:
        return False
    return chosen.level in reader.kinds or bool(reader.kinds & _BELOW[chosen.level])


def _goes_on(reader: Reader, end: int) -> bool:
    """Whether a division, a separator or a town follows, so that a short name is no beginning of another one."""
    text = reader.text
    return bool(divisions.at(text, end)[1] or patterns.GAP.match(text, end) or patterns.TOWN.match(text, end))


def _fuller(reader: Reader, chosen: Division) -> bool:
    """Whether a division follows its own short name, as in 湖州湖州市: then the short name says nothing."""
    last = reader.found[-1] if reader.found else None
    if last is None or last.kind != chosen.level or chosen.is_short:
        return False
    before = reader.text[last.start : last.end]
    if before == chosen.name or not chosen.name.startswith(before):
        return False
    reader.found[-1] = Part("other", last.start, last.end)
    return True


_NATIONAL = (
    "银行",
    "移动",
    "联通",
    "电信",
    "石化",
    "石油",
    "邮政",
    "人寿",
    "农业",
    "工商",
    "建设",
    "轻纺",
    "人民",
    "国际",
    "科",
    "平安",
)
_BELOW = {
    "province": frozenset({"city", "district", "town", "road", "compound", "community"}),
    "city": frozenset({"district", "town", "road", "compound", "community"}),
    "district": frozenset({"town", "road", "compound", "community"}),
}


def _chosen(reader: Reader, named: tuple[Division, ...], end: int) -> Division | None:
    """The one of several divisions of a name that fits what was read before it; None where it is another name."""
    if _is_other_name(reader, named, end):
        return None
    if reader.division is None:
        return _first(reader, named)
    for one in named:
        if one.may_lie_in(reader.division) or reader.division.may_lie_in(one):
            return one
    full = next((one for one in named if not one.is_short), None)
    return full if reader.latest in HEAD else None


def _is_other_name(reader: Reader, named: tuple[Division, ...], end: int) -> bool:
    """Whether the word begins the name of something else: 杭州路, 西湖大厦, 浙江大学."""
    text = reader.text
    if not named[0].is_short:
        return text.startswith(("路", "街", "巷", "大道"), end) and not divisions.at(text, end)[1]
    if reader.latest not in HEAD or "town" in reader.kinds:
        return True
    if patterns.NOT_AFTER_SHORT.match(text, end) and not _holds_next(reader, named, end):
        return True
    return named[0].level == "province" and not _goes_on(reader, end)


def _first(reader: Reader, named: tuple[Division, ...]) -> Division | None:
    """Which division is meant where none was named before: the one at home, else the largest, and then perhaps not."""
    if reader.home:
        near = [one for one in named if one.inside.startswith(reader.home[: 2 if one.level == "province" else 4])]
        if near:
            return near[0]
    reader.is_sure = len(named) == 1
    if any(not one.is_short or one.level != "district" or one.code.endswith("1") for one in named):
        return min(named, key=lambda one: (_RANK[one.level], one.is_short))
    return _county(named)


def _holds_next(reader: Reader, named: tuple[Division, ...], end: int) -> bool:
    """Whether a division follows that lies in one of these: 宁波 before 镇海区."""
    _end, following = divisions.at(reader.text, end)
    return any(
        one.may_lie_in(held) and not one.is_short for one in following for held in named if held.level != one.level
    )


_RANK = {"province": 0, "city": 1, "district": 2}


def _county(named: tuple[Division, ...]) -> Division | None:
    """A county or a city of its own right may be called without that word, a district of a city not."""
    return next((one for one in named if one.name.endswith(("市", "县"))), None)
