"""Names of places for sentences in two languages, where the registers know them in one."""

from __future__ import annotations

import re
from collections.abc import Mapping

ENGLISH = "en"
CHINESE = "zh-Hans"
LANGUAGES = (CHINESE, ENGLISH)
_IDEOGRAPH = re.compile(r"[\u2e80-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")
_KANA = re.compile(r"[\u3040-\u30ff\u31f0-\u31ff]")
_LETTERS_OF_A_NAME = 3


def is_chinese(text: str) -> bool:
    """Whether a text holds characters that have no place in an English block."""
    return bool(_IDEOGRAPH.search(text))


def said(name: str, language: str, *, kind: Mapping[str, str], lon: float, lat: float) -> str:
    """A local name as a sentence in that language may carry it.

    Of a name in both scripts each language keeps its own. Any other name, in whatever script its signs have, stands
    quoted in Chinese; in English a Chinese or Japanese name is replaced by what it is and where it lies, as is a
    missing one in both.
    """
    if language == ENGLISH:
        return _without_ideographs(name) or f"the {kind[ENGLISH]} near {_at(lon, lat)}"
    chinese = "".join(part for part in name.split() if is_chinese(part))
    return chinese or (f"“{name}”" if name.strip() else f"{_at(lon, lat)} 附近的{kind[CHINESE]}")


def _without_ideographs(name: str) -> str:
    """The name, if what its ideographs leave is still a name: not the `3` of `3号路` or the kana between them."""
    if not is_chinese(name):
        return " ".join(name.split())
    left = " ".join(_KANA.sub(" ", _IDEOGRAPH.sub(" ", name)).split())
    return left if sum(char.isalpha() for char in left) >= _LETTERS_OF_A_NAME else ""


def area_in(place: Mapping[str, str], language: str, lon: float, lat: float) -> str:
    """The words for where an incident is, clean in their language."""
    words = place.get(language, "").strip()
    if language == CHINESE:
        return words or f"{_at(lon, lat)} 一带"
    clean = ", ".join(part for part in words.split(", ") if not is_chinese(part))
    return clean or f"the street near {_at(lon, lat)}"


def listed(items: list[str], language: str) -> str:
    """Items in a sentence."""
    return ("、" if language == CHINESE else "; ").join(items)


def _at(lon: float, lat: float) -> str:
    return f"{lat:.5f} {lon:.5f}"
