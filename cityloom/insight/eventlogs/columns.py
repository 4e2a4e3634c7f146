"""Which column of a table says what: named by whoever asks, or guessed from how columns are usually called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

from cityloom.insight.domain import persons
from cityloom.kernel.refused import Refused

USUAL: Mapping[str, tuple[str, ...]] = {
    "case": (
        "case:concept:name",
        "case id",
        "case_id",
        "caseid",
        "case",
        "case key",
        "case number",
        "trace",
        "trace id",
        "process instance",
        "案件编号",
        "事项编号",
        "办件编号",
        "申请编号",
        "案件",
        "编号",
    ),
    "activity": (
        "concept:name",
        "activity",
        "activity name",
        "event",
        "event name",
        "step",
        "task",
        "action",
        "环节",
        "步骤",
        "活动",
        "环节名称",
    ),
    "time": (
        "time:timestamp",
        "complete timestamp",
        "completed_at",
        "completion time",
        "end_timestamp",
        "end time",
        "ended_at",
        "end",
        "finished_at",
        "timestamp",
        "event time",
        "time",
        "at",
        "datetime",
        "date",
        "完成时间",
        "结束时间",
        "办结时间",
        "时间",
    ),
    "start": (
        "start_timestamp",
        "start timestamp",
        "start time",
        "started_at",
        "start",
        "time:start",
        "begin",
        "begun_at",
        "开始时间",
        "接收时间",
        "到达时间",
    ),
    "office": (
        "org:group",
        "org:role",
        "office",
        "unit",
        "department",
        "team",
        "section",
        "group",
        "role",
        "workgroup",
        "部门",
        "科室",
        "单位",
        "办理部门",
        "窗口",
    ),
    "transition": ("lifecycle:transition", "lifecycle", "transition", "状态变更"),
}
"""How columns are called, the surest first; small letters, with `_` and `-` as blanks."""
NEEDED = ("case", "activity", "time")
_NO_COLUMN = "The table has no column {value}; it has: {limit}. Write the name as it stands in the first line."
_NOT_FOUND = (
    "No column of the table looks like the {value} of an event; name it (for example with --{value}-column). "
    "There are: {limit}."
)
_PERSON = (
    "The column {value} names people, and a person is never a unit of a review; name a column of units, roles or "
    "groups, or none."
)


@dataclass(frozen=True)
class Columns:
    """The column that says each thing, "" for none; `zone` is of times without an offset, `style` their form."""

    case: str = ""
    activity: str = ""
    time: str = ""
    start: str = ""
    office: str = ""
    transition: str = ""
    zone: str = "UTC"
    style: str = ""
    guessed: tuple[str, ...] = field(default=())

    @property
    def named(self) -> dict[str, str]:
        """What each thing is read from."""
        return {
            one.name: getattr(self, one.name) for one in fields(self) if one.name in USUAL and getattr(self, one.name)
        }


def chosen(header: Sequence[str], asked: Columns) -> Columns:
    """The columns that were asked for, the others guessed.

    Raises: Refused `insight.no_column`, `insight.column_not_found`, `insight.office_is_person`.
    """
    shown = ", ".join(header)[:400]
    for name in asked.named.values():
        if name not in header:
            raise Refused("insight.no_column", _NO_COLUMN, value=name[:80], limit=shown)
    check_office(asked.office, ())
    found = asked
    for what in USUAL:
        if not getattr(found, what):
            guess = _guess(what, [one for one in header if one not in found.named.values()])
            if guess:
                found = replace(found, **{what: guess}, guessed=(*found.guessed, what))  # type: ignore[arg-type]
    for what in NEEDED:
        if not getattr(found, what):
            raise Refused("insight.column_not_found", _NOT_FOUND, value=what, limit=shown)
    return found


def check_office(name: str, values: Sequence[str]) -> None:
    """Refuse a column of offices that is called like one of persons, or whose values look like them.

    Raises: Refused `insight.office_is_person`.
    """
    if persons.names_persons(name) or persons.look_like_persons(values):
        raise Refused("insight.office_is_person", _PERSON, value=name[:80])


def _guess(what: str, header: Sequence[str]) -> str:
    plain = {one.strip().lower().replace("_", " ").replace("-", " "): one for one in reversed(header)}
    for usual in USUAL[what]:
        found = plain.get(usual.replace("_", " ").replace("-", " "))
        if found and not (what == "office" and persons.names_persons(found)):
            return found
    return ""
