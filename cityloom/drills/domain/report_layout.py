"""A drill's report laid out for reading: the same sections for the page and for the PDF, in English and Chinese."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ENGLISH, CHINESE = "en", "zh-Hans"
Report = Mapping[str, Any]
Words = Mapping[str, str]  # language -> text
_NUMBERS = frozenset({"count", "distance", "places", "placed", "share", "at", "wall", "attempts", "sent",
                      "acknowledged"})  # fmt: skip

WORDS: dict[str, tuple[str, str]] = {
    "report": ("Drill report", "演练报告"),
    "exercise": ("EXERCISE", "演练"),
    "exercise_note": ("Nothing in this report happened; no alert left the demonstration channels.",
                      "本报告所述均未发生；警报没有离开演示渠道。"),
    "synthetic": ("Synthetic city: its people and buildings are made up.", "合成城市：人口与建筑均为虚构。"),
    "real_place": ("A real place with made-up people: nobody in this report exists.",
                   "真实地点，居民均为虚构：本报告中的人员并不存在。"),
    "safe": ("Every safety check passed", "全部安全检查均已通过"),
    "unsafe": ("A safety check failed", "有安全检查未通过"),
    "figures": ("At a glance", "概览"),
    "map": ("The zone", "疏散区域"),
    "timeline": ("Timeline", "时间线"),
    "timeline_note": ("Seconds since the first signal, on the drill's own clock; beside it what the machine took.",
                      "自首个信号起的秒数（演练时钟），以及机器实际用时。"),
    "at": ("Second", "秒"), "wall": ("Machine, ms", "机器用时（毫秒）"), "step": ("Step", "步骤"),
    "decided": ("What was decided", "决定"),
    "rings": ("Phases", "阶段"), "shelters": ("Shelters", "避难所"), "name": ("Name", "名称"),
    "distance": ("Metres away", "距离（米）"), "placed": ("Placed", "已安置"), "places": ("Places", "容量"),
    "share": ("Filled", "占用率"), "unplaced": ("Households without a place in a shelter", "未获安置的住户"),
    "capacity_assumed": ("assumed", "假定"),
    "alert": ("The alert as issued", "已发布的警报"), "identifier": ("Identifier", "编号"),
    "status": ("Status", "状态"),
    "digest": ("SHA-256 of what was approved", "批准文件的 SHA-256"), "area": ("Area", "区域"),
    "channels": ("Channels", "渠道"), "channel": ("Channel", "渠道"), "state": ("State", "状态"),
    "attempts": ("Attempts", "尝试次数"), "phones": ("Phones reached, estimated", "预计送达手机数"),
    "notices": ("Notices to departments", "部门通知"), "department": ("Department", "部门"),
    "asks": ("Asked for", "要求"),
    "sent": ("Sent, s", "发送（秒）"), "acknowledged": ("Acknowledged, s", "确认（秒）"),
    "escalated": ("Escalated", "已升级"),
    "openings": ("What was opened in the register", "登记册的开启记录"), "purpose": ("Purpose", "目的"),
    "openings_note": ("Each opening is one line in the log that nobody can change unnoticed; no person is named here.",
                      "每次开启都在日志中留有一行，任何改动都会被发现；此处不含个人姓名。"),
    "basis": ("Legal basis", "法律依据"), "unit": ("Unit", "单位"), "role": ("Role", "角色"),
    "count": ("Count", "数量"),
    "checks": ("Safety checks", "安全检查"), "check": ("Check", "检查"), "result": ("Result", "结果"),
    "detail": ("Detail", "说明"), "passed": ("passed", "通过"), "failed": ("FAILED", "未通过"),
    "made_up": ("What was made up", "虚构的数据"), "what": ("What", "内容"), "rule": ("Rule", "规则"),
    "notes": ("Notes", "备注"), "yes": ("yes", "是"), "no": ("no", "否"), "nothing": ("none", "无"),
    "city": ("City", "城市"), "people": ("people", "人"), "buildings": ("buildings", "栋建筑"),
    "scenario": ("Scenario", "场景"), "exercise_id": ("Exercise", "演练编号"),
    "began": ("Began, local time", "开始（当地时间）"), "valid": ("Sent and valid until", "发布与有效期"),
}  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """One entry of a table; `tone` is `good`, `bad`, `quiet` or "", and `share` fills a bar behind it."""

    words: Words
    tone: str = ""
    share: float | None = None


@dataclass(frozen=True)
class Column:
    """A column's heading; numbers stand to the right."""

    words: Words
    is_number: bool


@dataclass(frozen=True)
class Section:
    """A heading and a table, perhaps with a sentence above it."""

    key: str
    title: Words
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    note: Words = field(default_factory=dict)


@dataclass(frozen=True)
class AlertText:
    """What the alert said in one language."""

    language: str
    headline: str
    description: str
    instruction: str
    area: str


@dataclass(frozen=True)
class AlertSheet:
    """An alert: what it said, and how far it came."""

    identifier: str
    status: str
    valid: str
    digest: str
    texts: tuple[AlertText, ...]
    channels: Section


@dataclass(frozen=True)
class Layout:
    """The whole report in reading order."""

    title: Words
    facts: tuple[tuple[Words, Words], ...]
    attribution: str
    made_up: Words
    is_safe: bool
    figures: tuple[tuple[Words, Words, Words], ...]
    before_alerts: tuple[Section, ...]
    alerts: tuple[AlertSheet, ...]
    after_alerts: tuple[Section, ...]
    notes: tuple[Words, ...]


def word(key: str) -> Words:
    """One of the report's own words, in both languages."""
    english, chinese = WORDS[key]
    return {ENGLISH: english, CHINESE: chinese}


def words_of(value: object) -> Words:
    """A value as text: in the languages that it names, else the same in all."""
    if isinstance(value, Mapping):
        return {str(language): str(text) for language, text in value.items()}
    if isinstance(value, bool):
        return word("yes" if value else "no")
    if value is None or value == "":
        return {ENGLISH: "–"}
    return {ENGLISH: _number(value) if isinstance(value, (int, float)) else str(value)}


def layout(report: Report) -> Layout:
    """Lay a report out; what it does not hold is left out."""
    city = report.get("city", {})
    return Layout(
        title=words_of(report.get("title") or report.get("scenario", "")),
        facts=_facts(report, city),
        attribution=str(city.get("attribution", "")),
        made_up=_what_is_made_up(city),
        is_safe=report.get("outcome") == "safe",
        figures=tuple(_figure(entry) for entry in report.get("figures", [])),
        before_alerts=_filled([_timeline(report), _rings(report), _shelters(report)]),
        alerts=tuple(_alert(entry) for entry in report.get("alerts", [])),
        after_alerts=_filled([_phones(report), _notices(report), _openings(report), _checks(report), _made_up(city)]),
        notes=tuple(words_of(note) for note in _listed(report.get("words"))),
    )


def _what_is_made_up(city: Mapping[str, Any]) -> Words:
    if not city.get("is_synthetic"):
        return {}
    return word("synthetic" if city.get("kind", "synthetic") == "synthetic" else "real_place")


def _facts(report: Report, city: Mapping[str, Any]) -> tuple[tuple[Words, Words], ...]:
    size = " · ".join(f"{_number(city[key])} {WORDS[key][0]}" for key in ("people", "buildings") if key in city)
    size_zh = " · ".join(f"{_number(city[key])} {WORDS[key][1]}" for key in ("people", "buildings") if key in city)
    name = str(city.get("name", ""))
    return (
        (word("city"), {ENGLISH: f"{name} · {size}", CHINESE: f"{name} · {size_zh}"}),
        (word("scenario"), words_of(report.get("scenario", ""))),
        (word("exercise_id"), words_of(report.get("exercise_id", ""))),
        (word("began"), words_of(_local(report.get("began"), city.get("timezone")))),
    )


def _local(instant: object, zone: object) -> str:
    """A CAP time for people, with the name of the zone: `2026-06-03 02:00:00 +01:00 (Europe/Lisbon)`."""
    text = str(instant or "")
    return f"{text[:10]} {text[11:19]} {text[19:]}" + (f" ({zone})" if zone else "") if text else ""


def _figure(entry: Mapping[str, Any]) -> tuple[Words, Words, Words]:
    note = entry.get("note")
    return words_of(entry.get("label")), words_of(entry.get("value")), words_of(note) if note else {}


def _timeline(report: Report) -> Section:
    rows = [
        (_seconds(entry.get("t_s")), _quiet(entry.get("wall_ms")), entry.get("step"), entry.get("decided"))
        for entry in report.get("timeline", [])
    ]
    return _section("timeline", ("at", "wall", "step", "decided"), rows, note="timeline_note")


def _rings(report: Report) -> Section:
    """Phases under the columns that the plan gives them."""
    rings = [ring for ring in report.get("rings", []) if isinstance(ring, Mapping)]
    names = list(dict.fromkeys(key for ring in rings for key in ring))
    columns = tuple(
        Column(words_of(name.replace("_", " ").capitalize()), all(_is_number(ring.get(name)) for ring in rings))
        for name in names
    )
    return Section("rings", word("rings"), columns, tuple(tuple(_cell(ring.get(n)) for n in names) for ring in rings))


def _shelters(report: Report) -> Section:
    rows = []
    for shelter in report.get("shelters", []):
        placed, places = shelter.get("placed") or 0, shelter.get("places") or 0
        share = min(1.0, placed / places) if places else 0.0
        capacity = Cell(_assumed(places) if shelter.get("made_up") else words_of(places))
        bar = Cell({ENGLISH: f"{share:.0%}"}, share=share)
        rows.append((shelter.get("name"), shelter.get("distance_m"), placed, capacity, bar))
    unplaced = int(report.get("unplaced_households") or 0)
    if rows or unplaced:
        tone = "bad" if unplaced else "good"
        rows.append((Cell(word("unplaced"), tone), Cell({}), Cell(words_of(unplaced), tone), Cell({}), Cell({})))
    return _section("shelters", ("name", "distance", "placed", "places", "share"), rows)


def _assumed(places: object) -> Words:
    return {lang: f"{words_of(places)[ENGLISH]} ({text})" for lang, text in word("capacity_assumed").items()}


def _alert(alert: Mapping[str, Any]) -> AlertSheet:
    parts = ("headline", "description", "instruction", "area")
    texts = tuple(
        AlertText(str(language), *(str(info.get(part, "")) for part in parts))
        for language, info in sorted(alert.get("info", {}).items())
    )
    rows = [(c.get("name"), c.get("state"), c.get("attempts")) for c in alert.get("channels", [])]
    channels = _section("channels", ("channel", "state", "attempts"), rows)
    identifier, status, digest = (str(alert.get(key, "")) for key in ("identifier", "status", "digest"))
    valid = " – ".join(_local(alert[key], "") for key in ("sent", "expires") if alert.get(key))
    return AlertSheet(identifier, status, valid, digest, texts, channels)


def _phones(report: Report) -> Section:
    phones = report.get("phones") or {}
    rows = [(str(name).replace("_", " ").capitalize(), value) for name, value in phones.items()]
    return _section("phones", ("what", "count"), rows)


def _notices(report: Report) -> Section:
    rows = [
        (
            notice.get("department"), notice.get("asks"), _seconds(notice.get("sent_s")),
            _seconds(notice.get("acknowledged_s")),
            Cell(word("yes" if notice.get("escalated") else "no"), "bad" if notice.get("escalated") else "quiet"),
        )
        for notice in report.get("notices", [])
    ]  # fmt: skip
    return _section("notices", ("department", "asks", "sent", "acknowledged", "escalated"), rows)


def _openings(report: Report) -> Section:
    keys = ("purpose", "basis", "unit", "role", "count")
    rows = [tuple(opening.get(key) for key in keys) for opening in report.get("openings", [])]
    return _section("openings", keys, rows, note="openings_note")


def _checks(report: Report) -> Section:
    rows = [
        (Cell(word("passed" if check.get("passed") else "failed"), "good" if check.get("passed") else "bad"),
         check.get("name"), check.get("detail"))
        for check in report.get("checks", [])
    ]  # fmt: skip
    return _section("checks", ("result", "check", "detail"), rows)


def _made_up(city: Mapping[str, Any]) -> Section:
    made_up = city.get("synthesised") or {}
    rows = [(what.capitalize(), entry.get("count"), entry.get("rule")) for what, entry in made_up.items()]
    return _section("made_up", ("what", "count", "rule"), rows)


def _section(key: str, columns: Sequence[str], rows: Iterable[Sequence[object]], note: str = "") -> Section:
    return Section(
        key,
        word(key),
        tuple(Column(word(name), name in _NUMBERS) for name in columns),
        tuple(tuple(_cell(value) for value in row) for row in rows),
        word(note) if note else {},
    )


def _cell(value: object) -> Cell:
    return value if isinstance(value, Cell) else Cell(words_of(value))


def _seconds(value: object) -> Cell:
    return Cell({ENGLISH: f"{value:.1f}"}) if isinstance(value, (int, float)) else _quiet(None)


def _quiet(value: object) -> Cell:
    return Cell({ENGLISH: f"{value:,.1f}" if isinstance(value, (int, float)) else "–"}, "quiet")


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}" if isinstance(value, float) else str(value)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _filled(sections: Iterable[Section]) -> tuple[Section, ...]:
    return tuple(section for section in sections if section.rows)


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else [value] if value else []
