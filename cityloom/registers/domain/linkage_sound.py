"""What a name sounds like, in Chinese signs or Latin letters, so that both meet."""

from __future__ import annotations

import re
from functools import cache

_HAN = re.compile("[\u3400-\u9fff]")
_SURNAMES = {"单": "shan", "解": "xie", "仇": "qiu", "曾": "zeng", "区": "ou", "任": "ren", "盖": "ge", "朴": "piao",
             "查": "zha", "尉": "wei", "乐": "yue", "缪": "miao", "翟": "zhai", "覃": "qin", "折": "she",
             "尉迟": "yuchi", "长孙": "zhangsun", "万俟": "moqi"}  # fmt: skip
"""Signs that are read otherwise where they are a surname."""
COMPOUND = ("欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "慕容", "司徒", "令狐", "长孙", "宇文",
            "夏侯", "端木", "南宫", "轩辕", "百里", "呼延", "独孤", "申屠", "闻人", "万俟")  # fmt: skip
"""Surnames of two signs."""
_SYLLABLE = (
    "(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?(?:iang|iong|uang|ang|eng|ing|ong|ian|iao|uai|uan|van|ai|ei|ao|ou|an|en|in|un|"
    "ia|ie|iu|ua|ui|uo|ue|ve|er|[aeiouv])"
)
_PINYIN = re.compile(f"(?:{_SYLLABLE})+")
_ALIKE_IN_PINYIN = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ang", "an"), ("eng", "en"), ("ing", "in"), ("ong", "on"))
"""Sounds that southern speakers do not tell apart."""
_ALIKE = (
    (r"^(kn|gn|pn)", "n"), (r"^wr", "r"), (r"^(x)", "s"), (r"ph", "f"), (r"gh(?=[tn]|$)", ""), (r"sch|sh|tch|ch", "x"),
    (r"ck|q", "k"), (r"c(?=[eiy])", "s"), (r"c", "k"), (r"dg", "j"), (r"z", "s"), (r"v", "f"), (r"w(?=[aeiou])", "f"),
    (r"(?<=.)[aeiouyhw]+", ""), (r"(.)\1+", r"\1"),
)  # fmt: skip
_LONGEST_CODE = 6


def is_chinese(name: str) -> bool:
    """Whether a name holds Chinese signs."""
    return bool(_HAN.search(name))


@cache
def _reader() -> object:
    from pypinyin import Style, lazy_pinyin

    return lambda text: "".join(lazy_pinyin(text, style=Style.NORMAL, v_to_u=False, errors="ignore"))


@cache
def _sign(sign: str) -> str:
    return _reader()(sign)  # type: ignore[operator]


def letters(name: str, *, surname: bool = False) -> str:
    """A name in Latin letters: Chinese signs as their sound without tones."""
    if not is_chinese(name):
        return name
    if surname and name in _SURNAMES:
        return _SURNAMES[name]
    return "".join(_sign(sign) if _HAN.match(sign) else sign for sign in name)


def sound(name: str) -> str:
    """A code that names which sound alike share; `name` in small Latin letters."""
    return _pinyin_sound(name) if _PINYIN.fullmatch(name) else _latin_sound(name)


def _pinyin_sound(name: str) -> str:
    for one, other in _ALIKE_IN_PINYIN:
        name = name.replace(one, other)
    return name


def _latin_sound(name: str) -> str:
    first_vowel = name[:1] in "aeiouy"
    for pattern, instead in _COMPILED:
        name = pattern.sub(instead, name)
    return ("a" + name[1:] if first_vowel else name)[:_LONGEST_CODE]


_COMPILED = [(re.compile(pattern), instead) for pattern, instead in _ALIKE]
