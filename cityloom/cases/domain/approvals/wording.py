"""Cells of a table as sentences that an applicant reads, in both languages."""

from __future__ import annotations

import re

from cityloom.cases.domain.casetypes.casetype import CaseType, Field
from cityloom.cases.domain.decisions.deciding import Change

Said = dict[str, str]
_LANGUAGES = ("en", "zh-hans")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_DAY = re.compile(r'(?:date and time|date)\("([^"]*)"\)')
_BOUND = re.compile(r"(<=|>=|<|>) ?(\S.*)")
_SPAN = re.compile(r"([\[(])(\S+?)\.\.(\S+?)([\])])")
_WORDS = {
    "<=": {"en": "at most {}", "zh-hans": "不超过 {}"}, ">=": {"en": "at least {}", "zh-hans": "不少于 {}"},
    "<": {"en": "less than {}", "zh-hans": "小于 {}"}, ">": {"en": "more than {}", "zh-hans": "大于 {}"},
    "<=day": {"en": "{} or earlier", "zh-hans": "{} 或之前"}, ">=day": {"en": "{} or later", "zh-hans": "{} 或之后"},
    "<day": {"en": "before {}", "zh-hans": "早于 {}"}, ">day": {"en": "after {}", "zh-hans": "晚于 {}"},
    "not": {"en": "not {}", "zh-hans": "非 {}"}, "true": {"en": "yes", "zh-hans": "是"},
    "false": {"en": "no", "zh-hans": "否"}, "or": {"en": " or ", "zh-hans": "或"},
    "to": {"en": "{} to {}", "zh-hans": "{} 至 {}"}, ":": {"en": "{}: {}", "zh-hans": "{}：{}"},
    "above": {"en": "more than {}, at most {}", "zh-hans": "大于 {}，不超过 {}"},
    "below": {"en": "at least {}, less than {}", "zh-hans": "不少于 {}，小于 {}"},
    "between": {"en": "between {} and {}", "zh-hans": "{} 与 {} 之间"},
    "register": {"en": "{} (a register has to say so; what one states oneself is looked at by a person)",
                 "zh-hans": "{}（须由登记库核实；自行填写的由工作人员核对）"},
}  # fmt: skip


def because(text: str) -> Said:
    """The reason of a row by language; one that has only one language is the same in both."""
    english, _, chinese = text.partition("\n")
    return {"en": english, "zh-hans": chinese or english}


def change(needed: Change, casetype: CaseType, category: str) -> Said:
    """What would have had to be different, as `Area: at most 6 m²`."""
    asked = next((each for each in casetype.fields_for(category) if each.name == needed.input), None)
    said = {}
    for language in _LANGUAGES:
        title = titled(asked, language) if asked else needed.label
        words = _say(":", language, title, cell(needed.must, asked, language))
        said[language] = _say("register", language, words) if asked and asked.by_register else words
    return said


def titled(asked: Field, language: str) -> str:
    """What a question is called where its answer follows."""
    return asked.title[language].rstrip("?？")


def cell(text: str, asked: Field | None, language: str) -> str:
    """What a cell allows, in words."""
    inner = text.removeprefix("not(").removesuffix(")") if text.startswith("not(") else text
    words = _say("or", language).join(_test(one, asked, language) for one in _parts(inner))
    return _say("not", language, words) if inner != text else words


def _parts(text: str) -> list[str]:
    """The tests of a cell; commas within quotes are none."""
    quoted = re.split(r'("(?:[^"\\]|\\.)*")', text)
    marked = [part if at % 2 else part.replace(", ", "\n") for at, part in enumerate(quoted)]
    return "".join(marked).split("\n")


def _test(text: str, asked: Field | None, language: str) -> str:
    if found := _SPAN.fullmatch(text):
        name = {"[]": "to", "(]": "above", "[)": "below", "()": "between"}[found[1] + found[4]]
        return _say(name, language, *(_value(found[at], asked, language) for at in (2, 3)))
    if found := _BOUND.fullmatch(text):
        name = found[1] + ("day" if _DAY.fullmatch(found[2]) else "")
        return _say(name, language, _value(found[2], asked, language))
    return _value(text, asked, language)


def _value(text: str, asked: Field | None, language: str) -> str:
    if text in ("true", "false"):
        return _say(text, language)
    if found := _DAY.fullmatch(text):
        return found[1]
    if found := _TEXT.fullmatch(text):
        plain = re.sub(r"\\(.)", r"\1", found[1])
        return next((one.title[language] for one in asked.choices if one.value == plain), plain) if asked else plain
    return f"{text} {asked.unit}".strip() if asked else text


def _say(name: str, language: str, *values: str) -> str:
    return _WORDS[name][language].format(*values)
