"""A small case type, drawn; a test changes a line of it."""

from __future__ import annotations

from functools import cache

from cityloom.cases.domain.casetypes.casetype import CaseType
from cityloom.cases.domain.casetypes.reading import casetype_of, shipped

SMALL = """cityloom: 1
casetype: lost-key
version: 1
title: {en: Lost key, zh-hans: 遗失钥匙}
roles:
  - {role: desk, title: {en: the desk, zh-hans: 窗口}, held_by: [case-handler]}
  - {role: handler, title: {en: the handler, zh-hans: 承办人}, held_by: [assigned]}
  - {role: city, title: {en: the city, zh-hans: 系统}, held_by: [system]}
states:
  - {state: lost, title: {en: lost, zh-hans: 遗失}, meaning: {en: It is gone., zh-hans: 已遗失。}}
  - {state: sought, title: {en: sought, zh-hans: 查找}, meaning: {en: Somebody looks., zh-hans: 查找中。}}
  - {state: over, title: {en: over, zh-hans: 结束}, meaning: {en: It is over., zh-hans: 已结束。}, ends: true}
steps:
  - {step: seek, title: {en: Seek it, zh-hans: 查找}, from: [lost], to: sought, who: [desk]}
  - {step: end, title: {en: End it, zh-hans: 结束}, from: [sought], to: over, who: [handler], results: [found, gone],
     reason: required, other_than: [seek]}
clocks:
  - {clock: answer, title: {en: Answer, zh-hans: 答复}, limit: 5 working days, until: [over], escalate_to: desk}
results:
  - {result: found, title: {en: found, zh-hans: 找到}}
  - {result: gone, title: {en: gone, zh-hans: 未找到}, is_against: true}
access: {seen_by: [case-handler], confidentiality: internal}
keep: 2 years
"""


@cache
def small() -> CaseType:
    return casetype_of(SMALL)


@cache
def ours(name: str) -> CaseType:
    """A type that comes with the program."""
    return casetype_of(shipped()[name].read_text("utf-8"))
