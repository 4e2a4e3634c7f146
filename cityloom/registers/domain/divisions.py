"""China's administrative divisions by the names that people write, with their codes.

Source: GB/T 2260, in its revisions of 2001 to 2019 (divisions.json); a name that was given up is still found.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

Level = Literal["province", "city", "district"]
_FILE = Path(__file__).with_name("divisions.json")
_MUNICIPAL = frozenset({"11", "12", "31", "50"})
_PEOPLES = (
    "蒙古|回|藏|维吾尔|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|哈萨克|傣|黎|傈僳|佤|畲|拉祜|水|东乡|纳西|景颇|柯尔克孜|土|达斡尔|仫佬|羌|"
    "布朗|撒拉|毛南|仡佬|锡伯|阿昌|普米|塔吉克|怒|鄂温克|德昂|保安|裕固|独龙|鄂伦春|各"
)
_AUTONOMOUS = re.compile(rf"(?:(?:{_PEOPLES})族?)*自治[区州县旗]$|特别行政区$|省$|市$|地区$|盟$|[区县]$")
_ALSO = {"450000": "广西省", "150000": "内蒙古省", "540000": "西藏省", "640000": "宁夏省", "650000": "新疆省"}
_KEPT_WHOLE = frozenset({"市中区", "城区", "郊区", "矿区", "城关区", "新区"})


@dataclass(frozen=True, slots=True)
class Division:
    """A division: its level, its code ("" where none is known), the first digits of those it lies in, and its name."""

    level: Level
    code: str
    inside: str
    name: str
    is_short: bool

    def may_lie_in(self, other: Division) -> bool:
        """Whether nothing speaks against this division being a part of another."""
        start = other.code.rstrip("0") if other.level != "district" else other.code
        start += "0" * (len(start) % 2)
        return self.inside.startswith(start) or self.code.startswith(start)


@lru_cache(maxsize=1)
def _table() -> tuple[dict[str, tuple[Division, ...]], dict[str, tuple[int, ...]]]:
    """Divisions by each way in which their name is written, and how long those are that begin with two signs."""
    read = json.loads(_FILE.read_text("utf-8"))
    found: dict[str, list[Division]] = {}
    listed = [(code, code, name) for code, names in read["names"].items() for name in names]
    listed += [(code, code, name) for code, name in _ALSO.items()]
    listed += [("", inside, name) for inside, names in read["newer"].items() for name in names]
    for code, inside, name in listed:
        for written in dict.fromkeys((name, short_of(name))):
            found.setdefault(written, []).append(
                Division(_level(code or inside[:4] + "99"), code, inside, name, written != name)
            )
    lengths: dict[str, set[int]] = {}
    for written in found:
        lengths.setdefault(written[:2], set()).add(len(written))
    ordered = {start: tuple(sorted(several, reverse=True)) for start, several in lengths.items()}
    return {written: tuple(rows) for written, rows in found.items()}, ordered


def _level(code: str) -> Level:
    if code.endswith("0000"):
        return "city" if code[:2] in _MUNICIPAL else "province"
    return "city" if code.endswith("00") else "district"


def short_of(name: str) -> str:
    """A name without the word for its kind, where people leave it out; else the name."""
    short = _AUTONOMOUS.sub("", name)
    return short if len(short) >= 2 and name not in _KEPT_WHOLE else name


def at(text: str, place: int) -> tuple[int, tuple[Division, ...]]:
    """The longest name of a division that begins at a place of a text: where it ends, and which ones are called so."""
    names, lengths = _table()
    for length in lengths.get(text[place : place + 2], ()):
        found = names.get(text[place : place + length])
        if found:
            return place + length, found
    return place, ()


def town_at(text: str, place: int, inside: str) -> int:
    """Where the name of a town of a county or city ends that begins at a place of a text without the word for its kind;
    the place itself where there is none."""
    names = _towns_of(inside if not inside.endswith("00") else inside[:4]) or _towns_of(inside[:4])
    for length in (4, 3, 2):
        if text[place : place + length] in names and len(text) >= place + length:
            return place + length
    return place


@lru_cache(maxsize=512)
def _towns_of(inside: str) -> frozenset[str]:
    """The towns of a county, by its code, or of a city, by four digits."""
    if len(inside) == 6:
        return frozenset(_towns().get(inside, "").split())
    return frozenset(name for code, names in _towns().items() if code.startswith(inside) for name in names.split())


@lru_cache(maxsize=1)
def _towns() -> dict[str, str]:
    return json.loads(_FILE.with_name("towns.json").read_text("utf-8"))  # type: ignore[no-any-return]


def coded(code: str) -> str:
    """The name of the division with a code, the last one it had; "" where there is none."""
    return next((one[0] for key, one in _names().items() if key == code), "")


@lru_cache(maxsize=1)
def _names() -> dict[str, list[str]]:
    return json.loads(_FILE.read_text("utf-8"))["names"]  # type: ignore[no-any-return]
