"""Whose index may be made, and of what: organisations, places and services, by what they do and offer.

A unit is a person, or a household, if its last word (its first before "of") says so; only kinds of organisations,
places and services are units. What people think, believe or feel is no data of an index. What those who used a service
say about that service is: it measures the service, of many answers at once, and is marked `service-satisfaction`.
"""

from __future__ import annotations

import re

from cityloom.kernel.refused import Refused

_PERSONS = """
person people individual resident citizen inhabitant employee worker staff member official cadre clerk officer
teacher student pupil patient doctor nurse driver volunteer applicant complainant petitioner reporter user customer
client visitor tenant owner migrant voter household family woman man child human adult senior elder parent manager
leader secretary mayor councillor inspector policeman agent handler prisoner offender suspect taxpayer borrower
"""
_PERSONS_ZH = """
人 者 员 民 户 家庭 干部 学生 教师 医生 护士 书记 职工 群众 个体 儿童 老人 妇女
代表 领导 警察 顾客 用户
"""
_UNITS = """
country nation state economy region province prefecture city town municipality county district subdistrict township
village community neighbourhood neighborhood zone area place site cell ward borough precinct block quarter street
road corridor station stop line route network park building estate market port airport river basin lake beach forest
organisation organization office department bureau agency authority unit division section team group branch
committee corps council board body institution association union club federation foundation company enterprise firm
business cooperative brigade service services centre center counter window desk hotline channel portal website
platform system programme program project facility school kindergarten college university hospital clinic library
museum theatre shelter depot plant utility provider supplier court
"""
_UNITS_ZH = """
国家 国 地区 省 市 城市 县 区 镇 乡 村 街道 社区 小区 片区 网格 地块 路 道路 站
线路 公园 楼宇 建筑 市场 港口 机场 河流 组织 机构 单位 部门 局 委 办 科室 处 中心
窗口 热线 平台 系统 项目 服务 支部 党支部 委员会 居委会 村委会 队 服务队 志愿队 协会
学会 工会 公司 企业 学校 幼儿园 医院 诊所 图书馆 设施 院 所
"""
PERSONS = frozenset(_PERSONS.split())
"""Words for persons, and for households, which are a few persons."""
PERSONS_ZH = tuple(_PERSONS_ZH.split())
UNITS = frozenset(_UNITS.split())
UNITS_ZH = tuple(_UNITS_ZH.split())
MEASURES = ("condition", "resource", "activity", "output", "outcome", "access", "environment", "service-satisfaction")
MINDS = ("opinion", "belief", "attitude", "sentiment", "loyalty", "ideology", "religion", "faith", "emotion", "mood",
         "trust", "approval", "conviction", "values", "political-view", "association", "thought", "morale", "happiness",
         "satisfaction", "perception", "intention")  # fmt: skip
"""What is no data of an index; satisfaction only where it is with a service, which has its own name."""
_MINDS_IN_WORDS = re.compile(
    r"\bopinions?\b|\bbelie(f|fs|ve|ves|vers?)\b|\battitudes?\b|\bsentiments?\b|\bloyal|\bideolog|\breligio|"
    r"\bfaiths?\b|"
    r"\bemotion|\bpolitical views?\b|\bmorale\b|\bhappiness\b|\btrust in\b|\bconfidence in\b|"
    r"\bapproval of\b|\bthoughts?\b|"
    r"信仰|信念|态度|情绪|忠诚|政治倾向|政治面貌|舆情|舆论|民意|思想状况|思想动态|思想觉悟|"
    r"幸福感|信任度|拥护|认同度|价值观|宗教", re.IGNORECASE)  # fmt: skip
_SATISFIED = re.compile(r"\bsatisf|\bhow content\b|满意", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+", re.IGNORECASE)
_PERSON = ("A framework measures organisations, places or services, never persons: its unit cannot be {value}. Name "
           "the office, service or area instead.")  # fmt: skip
_NO_UNIT = "The unit {value} is not known as an organisation, place or service: name one of them, such as {limit}."
_MIND = ("The item {value} takes {limit} of people as data, which no framework may: measure what the organisation does "
         "or offers instead.")  # fmt: skip
_NO_MEASURE = "The item {value} measures something unknown here; say one of {limit}."
_SATISFACTION = ("The item {value} is about satisfaction: say measures: service-satisfaction if it is with a service "
                 "that people used; what else they are content with is no data of an index.")  # fmt: skip


def refused_unit(unit: str) -> Refused | None:
    """Why a unit cannot be one, None if it can."""
    word = unit.strip()
    if is_person(word):
        return Refused("insight.framework_person", _PERSON, value=word)
    heads = _heads(word)
    if any(_singular(one) in UNITS for one in heads) or (not heads and word.endswith(UNITS_ZH)):
        return None
    return Refused("insight.framework_unit", _NO_UNIT, value=word,
                   limit="city, district, community, organisation, department, service, school")  # fmt: skip


def is_person(unit: str) -> bool:
    """Whether a word for a unit is one for persons or households."""
    word = unit.strip()
    heads = _heads(word)
    if heads:
        return any(_singular(one) in PERSONS for one in heads)
    return word.endswith(PERSONS_ZH) and not word.endswith(UNITS_ZH)


def refused_item(code: str, measures: str, words: str) -> Refused | None:
    """Why an item cannot be one, by what it says it measures and by its title, None if it can."""
    said = measures.strip().lower().replace("_", "-").replace(" ", "-")
    if said in MINDS or (said and said not in MEASURES and any(one in said for one in MINDS)):
        return Refused("insight.framework_mind", _MIND, value=code, limit=measures.strip())
    found = _MINDS_IN_WORDS.search(words)
    if found:
        return Refused("insight.framework_mind", _MIND, value=code, limit=found.group().strip())
    if said and said not in MEASURES:
        return Refused("insight.framework_measures", _NO_MEASURE, value=code, limit=", ".join(MEASURES))
    if _SATISFIED.search(words) and said != "service-satisfaction":
        return Refused("insight.framework_satisfaction", _SATISFACTION, value=code)
    return None


def _heads(unit: str) -> list[str]:
    """The words that say what a unit is: the last one, or the one before "of", "in" or "for"."""
    words = [one.lower() for one in _WORD.findall(unit)]
    before = next((place for place, one in enumerate(words) if one in ("of", "in", "for", "at", "with")), len(words))
    return words[:before][-1:]


def _singular(word: str) -> str:
    irregular = {"people": "person", "men": "man", "women": "woman", "children": "child", "staff": "staff"}
    if word in irregular:
        return irregular[word]
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) and word not in UNITS else word
