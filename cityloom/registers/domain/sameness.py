"""When two sources say the same, though they write it differently."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache
from typing import Any

IGNORED = ("case", "width", "spaces", "numerals")
"""What makes no difference between texts where the rules say nothing."""
_DIGITS = {sign: value for value, signs in enumerate(("零〇", "一壹", "二贰两", "三叁", "四肆", "五伍", "六陆", "七柒",
                                                      "八捌", "九玖")) for sign in signs}  # fmt: skip
_PLACES = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_SIGNS = "".join((*_DIGITS, *_PLACES))
_COUNTED = "号栋幢楼层室座弄巷组单期门户"
_NUMERAL = re.compile(f"[{_SIGNS}]*[{''.join(_PLACES)}][{_SIGNS}]*|[{_SIGNS}]+(?=[{_COUNTED}])")
_METRES_A_DEGREE = 111_320.0
_ALMOST = 1e-9


@lru_cache(maxsize=65_536)
def plain(text: str, ignore: frozenset[str]) -> str:
    """A text without what makes no difference: `case`, `width`, `spaces`, `signs`, `numerals` (三十二号 is 32号)."""
    if "width" in ignore:
        text = unicodedata.normalize("NFKC", text)
    if "numerals" in ignore and not text.isascii():
        text = _NUMERAL.sub(lambda found: _number(found[0]), text)
    if "case" in ignore:
        text = text.casefold()
    if "signs" in ignore:
        text = "".join(sign for sign in text if unicodedata.category(sign)[0] not in "PS")
    return "".join(text.split()) if "spaces" in ignore else text


def _number(signs: str) -> str:
    """A Chinese numeral in digits: by places (三十二 is 32), or sign by sign (三二 is 32)."""
    if not any(sign in _PLACES for sign in signs):
        return "".join(str(_DIGITS[sign]) for sign in signs)
    total, last = 0, 0
    for sign in signs:
        if sign in _PLACES:
            total, last = total + (last or 1) * _PLACES[sign], 0
        else:
            last = _DIGITS[sign]
    return str(total + last)


def is_near(one: float, other: float, tolerance: float, share: float) -> bool:
    """Whether two numbers lie no further apart than an absolute and a relative tolerance together."""
    return abs(one - other) <= tolerance + (share + _ALMOST) * max(abs(one), abs(other))


def metres_between(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """How far apart two places near each other are, in metres. Source: equirectangular approximation."""
    east = (lon - other_lon) * math.cos(math.radians((lat + other_lat) / 2))
    return math.hypot(east, lat - other_lat) * _METRES_A_DEGREE


def is_same_text(one: Any, other: Any, ignore: Collection[str]) -> bool:
    """Whether two texts, or dates, are the same."""
    if one == other:
        return True
    if not isinstance(one, str) or not isinstance(other, str):
        return False
    chosen = frozenset(ignore)
    return plain(one, chosen) == plain(other, chosen)
