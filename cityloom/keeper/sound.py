"""What names sound like, as numbers: the order of their parts counts for nothing, and Chinese signs meet their pinyin.

A sound is the sum of a number for each of its letters, so that thousands of names are one look-up in a table.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_LEAD = 0xE3, 0xE9
"""First bytes of signs (U+3000 to U+9FFF) in UTF-8."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ALL = (1 << 64) - 1
_ODD = {letter: int.from_bytes(hashlib.sha256(letter.encode()).digest()[:8], "big") for letter in _LETTERS}
"""A number for each letter; they are no secret, as what is kept of a sound is keyed."""
_ALIKE = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ang", "an"), ("eng", "en"), ("ing", "in"), ("ong", "on"))
"""Sounds of pinyin that southern speakers do not tell apart."""
_PINYIN = re.compile(
    "(?:(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?(?:iang|iong|uang|ang|eng|ing|ong|ian|iao|uai|uan|van|ai|ei|ao|ou|an|en|in|"
    "un|ia|ie|iu|ua|ui|uo|ue|ve|er|[aeiouv]))+"
)
_WORD = re.compile("[a-z]+")
_WESTERN = (("ph", "f"), ("sch", "s"), ("ch", "s"), ("sh", "s"), ("ck", "k"))
_SAME = str.maketrans("cqzxvjd", "kkssfgt", "aeiouyhw")
_PARTS_KEPT = 1 << 16


def sounds(names: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """What each name sounds like, from UTF-8 padded with zeros, uint8 (n, width); 0 where nothing sounds."""
    wide = np.pad(names, ((0, 0), (0, 2)))
    begins = (wide >= _LEAD[0]) & (wide <= _LEAD[1])
    begins[:, -2:] = False
    at = np.flatnonzero(begins)
    run = wide.reshape(-1).astype(np.uint32)
    signs = (run[at] & 0xF) << 12 | (run[at + 1] & 0x3F) << 6 | run[at + 2] & 0x3F
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(_table()[signs], dtype=np.uint64)])
    ends = np.cumsum(begins.sum(axis=1))
    found = sums[ends] - sums[np.concatenate([np.zeros(1, np.int64), ends[:-1]])[: len(ends)]]
    is_mixed = (names != 0).sum(axis=1) != 3 * begins.sum(axis=1)
    rows = np.flatnonzero(is_mixed)
    texts = (names[row].tobytes().rstrip(b"\x00").decode("utf-8", "ignore") for row in rows.tolist())
    found[rows] += np.fromiter(map(_sound_of, texts), np.uint64, len(rows))
    return found


def _sound_of(name: str) -> int:
    """What is in Latin letters in a name: as pinyin where all of it is, else its consonants, those alike as one."""
    plain = name.lower() if name.isascii() else _unaccented(name)
    parts = [_part(part) for part in _WORD.findall(plain)]
    if all(pinyin for pinyin, _consonants in parts):
        return sum(pinyin for pinyin, _consonants in parts) & _ALL
    return sum(consonants for _pinyin, consonants in parts) & _ALL


def _unaccented(name: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFKD", name).lower() if not unicodedata.combining(sign))


@lru_cache(_PARTS_KEPT)
def _part(part: str) -> tuple[int, int]:
    """One word of a name as pinyin, 0 where it is none, and as consonants."""
    return _number(_blurred(part)) if _PINYIN.fullmatch(part) else 0, _number(_consonants(part))


def _blurred(pinyin: str) -> str:
    for one, other in _ALIKE:
        pinyin = pinyin.replace(one, other)
    return pinyin


def _consonants(part: str) -> str:
    for one, other in _WESTERN:
        part = part.replace(one, other)
    return re.sub(r"(.)\1+", r"\1", part.translate(_SAME))


def _number(letters: str) -> int:
    return sum(map(_ODD.__getitem__, letters)) & _ALL


@lru_cache(1)
def _table() -> NDArray[np.uint64]:
    """The sound of every character of three bytes that is a sign; the others have none."""
    table = np.zeros(1 << 16, np.uint64)
    by_sound: dict[str, int] = {}
    for sign, said in _readings().items():
        if sign < len(table):
            first = said.partition(",")[0]
            if first not in by_sound:
                by_sound[first] = _number(_blurred(_without_tone(first)))
            table[sign] = by_sound[first]
    return table


def _readings() -> dict[int, str]:
    """How signs are read, first the usual way; without the dictionary of phrases, which takes a second to load."""
    package = find_spec("pypinyin")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("pypinyin")
    path = Path(package.submodule_search_locations[0]) / "pinyin_dict.py"
    spec = spec_from_file_location("_readings_of_signs", path)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError("pypinyin")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.pinyin_dict


def _without_tone(pinyin: str) -> str:
    plain = unicodedata.normalize("NFD", pinyin).replace("u\u0308", "v")
    return "".join(sign for sign in plain if sign in _LETTERS)
