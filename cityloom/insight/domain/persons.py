"""Columns that name people, and values that look like people: neither is ever a unit of a review."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NAMES = re.compile(
    r"resource|user|employee|responsible|handler|agent|assignee|assigned|actor|clerk|officer|official|operator|owner|"
    r"worker|person|staff|inspector|caseworker|by$|name$|surname|applicant|customer|client|citizen|resident|requester|"
    r"reporter|email|e-mail|phone|mobile|address|birth|national|passport|经办|办理人|处理人|负责人|承办人|审批人|审核人|"
    r"姓名|申请人|联系人|当事人|电话|手机|邮箱|地址|身份证|员工|工号", re.IGNORECASE,
)  # fmt: skip
_NOT_NAMES = re.compile(r"concept:name|org:(group|role)|unit|office|department|section|team|部门|科室|单位",
                        re.IGNORECASE)  # fmt: skip
_VALUE = re.compile(
    r"(resource|user|usr|employee|emp|worker|person|agent|clerk|staff|member|admin|owner|handler|inspector|official)"
    r"[\s_.-]*\d*|[^@\s]+@[^@\s]+|(mr|mrs|ms|dr)\.?\s.+|(员工|工号|用户)\s*\d+|\d{11}|\d{17}[\dX]",
    re.IGNORECASE | re.ASCII,
)  # fmt: skip
_OFFICE_WORDS = re.compile(r"group|team|unit|office|dep|section|desk|role|board|bureau|division|service|council|city|"
                           r"district|部|科|局|处|室|组|所|窗口|中心", re.IGNORECASE)  # fmt: skip
_SHARE = 0.5


def names_persons(column: str) -> bool:
    """Whether a column is called as those are that say who somebody is."""
    plain = column.removeprefix("case:").strip()
    return bool(_NAMES.search(plain)) and not _NOT_NAMES.search(plain)


def look_like_persons(values: Sequence[str]) -> bool:
    """Whether at least half of the different values look like accounts, addresses or names of people."""
    known = [one.strip() for one in values if one.strip()]
    alike = sum(1 for one in known if _VALUE.fullmatch(one) and not _OFFICE_WORDS.search(one))
    return bool(known) and alike >= _SHARE * len(known)


_PLACES = re.compile(
    r"(area|district|zone|place|region|ward|site|country|city|town|street|road|facility|clinic|hospital|school|station|"
    r"indicator|category|service|community|neighbourhood|subdistrict|province|county|municipality|shelter|branch|"
    r"organi[sz]ation|corps|committee|series|grade|product|measure|variable|file|column|building|estate|housing|phase|"
    r"option|scenario|short|full|display|local|english|chinese|long)[\s_.-]?(name|address)$|^(name|label|title)$|"
    r"地区名|学校名|街道名|名称$", re.IGNORECASE,
)  # fmt: skip
_NUMBERED = re.compile(r"\d{11}|\d{17}[\dXx]")


def is_of_persons(column: str, values: Sequence[str], *, are_words: bool, is_known: bool = False) -> bool:
    """Whether a column of a table of figures says who somebody is.

    Counts of people ("health_workers", "residents") are figures; numbers of telephones and identity cards are not.
    `is_known`: the column is one that the kind asks for by its name, so only its values can give it away.
    """
    if not are_words:
        numbered = sum(1 for one in values if _NUMBERED.fullmatch(one))
        return names_persons(column) and bool(values) and numbered >= _SHARE * len(values)
    if look_like_persons([one for one in values if names_persons(column) or not one.isdigit()]):
        return True  # a code of digits alone is an area's as often as somebody's
    return not is_known and names_persons(column) and not _PLACES.search(column.strip())
