"""Names and notes for people who do not exist; each says so."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from cityloom.registers.domain.assumptions import NEEDS

_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜"
    "范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
_GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂兰英华玉红建国志文海云山林春秋冬雪梅竹松柏晨阳雨晴佳欣怡然子轩浩宇思远"
)
_LATIN_FIRST = (
    "Ana", "Luis", "Maria", "Jo\u00e3o", "Eva", "Marc", "Lena", "Paul", "Sara", "Tom", "Nina", "Hugo", "Clara", "Ivan",
    "Rosa", "Emil", "Alma", "Leo", "Ines", "Otto", "Mila", "Noel", "Vera", "Rui", "Ada", "Karl", "Elsa", "Ravi", "Zoe",
    "Omar", "Lia", "Ben",
)  # fmt: skip
_LATIN_LAST = (
    "Almeida", "Berger", "Costa", "Dubois", "Eriksen", "Ferreira", "Garnier", "Haas", "Ivanov", "Jansen", "Keller",
    "Lopes", "Moreau", "Novak", "Olsen", "Pereira", "Quist", "Rossi", "Santos", "Tavares", "Ullman", "Vogel",
    "Weber", "Ximenes", "Young", "Zimmer", "Baker", "Carter", "Mason", "Fisher", "Miller", "Turner",
)  # fmt: skip
_NOTES = {
    "mobility": ("wheelchair or walker", "坐轮椅"), "bedridden": ("needs a stretcher", "卧床需担架"),
    "hearing": ("cannot hear alarms", "听不见警报"), "sight": ("needs to be guided", "需引路"),
    "cognitive": ("needs company", "需陪伴"), "device": ("brings an electric device", "带医用电器"),
    "language": ("other language", "需翻译"),
}  # fmt: skip


@cache
def full_names(chinese: bool) -> NDArray[np.bytes_]:
    """Every full name that is used, in UTF-8."""
    if chinese:
        names = [a + b + c for a in _SURNAMES for b in _GIVEN[::3] for c in _GIVEN]
    else:
        names = [f"{first} {last}" for first in _LATIN_FIRST for last in _LATIN_LAST]
    return np.array([f"{name} (synthetic)".encode() for name in names])


@cache
def need_notes(chinese: bool) -> NDArray[np.bytes_]:
    """The note for each combination of need bits: the first need in words, and how many more there are."""
    return np.array([_note(bits, chinese) for bits in range(1 << len(NEEDS))])


def _note(bits: int, chinese: bool) -> bytes:
    held = [need for i, need in enumerate(NEEDS) if bits >> i & 1]
    if not held:
        return b""
    english, translated = _NOTES[held[0]]
    more = f" +{len(held) - 1}" if len(held) > 1 else ""
    return (f"{translated} {english}{more}" if chinese else english + more).encode()[:36]
