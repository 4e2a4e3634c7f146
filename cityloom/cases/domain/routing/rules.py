"""Routing rules: by category, area, time, channel and words, which unit gets a case; the first that fits decides.

Higher priorities come first, equal ones in the order written. A category of an upper level stands for all below it, an
area for all units below it in the tree; words fit where one of them stands in the text. Times are the city's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cityloom.cases.domain.marks import plain
from cityloom.cases.domain.routing.categories import shipped
from cityloom.cases.domain.routing.standing import Standing
from cityloom.cases.domain.written import Written, read
from cityloom.kernel.refused import Detail

_FOLDER = Path(__file__).parent
EXAMPLE = _FOLDER / "routing_example.yaml"
CHANNELS = ("web", "open311", "call", "official", "sensor", "detection", "report")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60
WEEK = 7 * DAY
Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Rule:
    """Who gets what fits; an empty condition fits all. `spans` are half-open minutes of the week, Monday 0:00 is 0.

    `said` are the conditions as they were written.
    """

    name: str
    unit: str
    priority: int
    categories: frozenset[str]
    areas: tuple[str, ...]
    spans: Spans
    channels: frozenset[str]
    words: tuple[str, ...]
    said: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rules:
    """Rules in the order in which they are asked; `otherwise` is a unit for what none fits, or "".

    `casetypes` are the types whose cases they route, `kinds` all values that the category of a case may have.
    """

    name: str
    title: Mapping[str, str]
    rules: tuple[Rule, ...]
    otherwise: str
    casetypes: tuple[str, ...] = ("request",)
    kinds: tuple[str, ...] = field(default_factory=lambda: tuple(shipped()))

    @property
    def units(self) -> frozenset[str]:
        """All units that it names, as those who get a case or as areas."""
        named = {one for rule in self.rules for one in (rule.unit, *rule.areas)}
        return frozenset(named | ({self.otherwise} - {""}))

    @property
    def words(self) -> frozenset[str]:
        """All words that its rules look for."""
        return frozenset(word for rule in self.rules for word in rule.words)


@dataclass(frozen=True)
class Facts:
    """What is known of a case when it is routed; `area` is the unit in whose area it lies, "" where that is unknown."""

    category: str
    area: str
    at: datetime
    channel: str
    text: str = ""


def rules_of(text: str, standing: Standing | None = None) -> Rules:
    """The rules that somebody wrote; with `standing`, categories of the case types may be named besides the city's own.

    Raises: Refused `cases.rules_too_large`, `cases.rules_unreadable`, `cases.rules_unfit`, each with the line.
    """
    written = _written(text)
    document = written.document
    _check_names(written)
    own = standing or {}
    found = [_rule(one, written, number, own) for number, one in enumerate(document["rules"])]
    ordered = tuple(sorted(found, key=lambda rule: -rule.priority))
    return Rules(document["routing"], document["title"], ordered, document.get("otherwise", ""),
                 _casetypes(document), tuple(dict.fromkeys([*shipped(), *own])))  # fmt: skip


def casetypes_in(text: str) -> tuple[str, ...]:
    """The types whose cases these rules route.

    Raises: as `rules_of`.
    """
    return _casetypes(_written(text).document)


def routed(rules: Rules, facts: Facts) -> Rule | None:
    """The rule that decides, or None: then `otherwise` does, or a person."""
    text, minute = plain(facts.text), minute_of_week(facts.at)
    return next((rule for rule in rules.rules if _fits(rule, facts, text, minute)), None)


def minute_of_week(at: datetime) -> int:
    """The minute of the week of an instant, in the zone that it carries."""
    return at.weekday() * DAY + at.hour * 60 + at.minute


def lies_in(area: str, of: str) -> bool:
    """Whether a unit's area is that of another unit, or in it."""
    return area == of or area.startswith(f"{of}/")


def _written(text: str) -> Written:
    return read(text, "rules", _FOLDER / "rules.schema.json")


def _casetypes(document: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(document.get("casetypes", ("request",)))


def _fits(rule: Rule, facts: Facts, text: str, minute: int) -> bool:
    return (
        (not rule.categories or facts.category in rule.categories)
        and (not rule.areas or any(lies_in(facts.area, area) for area in rule.areas))
        and (not rule.spans or any(begin <= minute < end for begin, end in rule.spans))
        and (not rule.channels or facts.channel in rule.channels)
        and (not rule.words or any(word in text for word in rule.words))
    )


def _rule(one: Mapping[str, Any], written: Written, number: int, own: Standing) -> Rule:
    when = one.get("when", {})
    return Rule(
        one["rule"], one["unit"], one.get("priority", 0), _categories(when.get("category", ()), written, number, own),
        tuple(when.get("area", ())), _spans(when.get("time"), written, number), frozenset(when.get("channel", ())),
        tuple(plain(word) for word in when.get("words", ())), when,
    )  # fmt: skip


def _categories(keys: Sequence[str], written: Written, number: int, own: Standing) -> frozenset[str]:
    """The categories that a rule names, with all below them, and those of types that stand for nothing else."""
    found: set[str] = set()
    for at, key in enumerate(keys):
        below = {category for category, one in shipped().items() if key in one.path} | set(own.get(key, ()))
        if not below and key not in own:
            raise written.wrong(("rules", number, "when", "category", at), Detail("there is no category {value}", key))
        found |= below | ({key} & own.keys())
    return frozenset(found | {one for one, kinds in own.items() if kinds and found.issuperset(kinds)})


def _spans(time: Mapping[str, Any] | None, written: Written, number: int) -> Spans:
    if not time:
        return ()
    begin, end = (_minutes(time.get(name, "00:00")) for name in ("from", "to"))
    if begin == end and "from" in time:
        raise written.wrong(("rules", number, "when", "time"), Detail("it ends when it begins; leave the hours out"))
    spans: list[tuple[int, int]] = []
    for day in time.get("days", DAYS):
        first = DAYS.index(day) * DAY + begin
        last = DAYS.index(day) * DAY + end + (DAY if end <= begin else 0)
        spans += [(first, min(last, WEEK)), (0, last - WEEK)] if last > WEEK else [(first, last)]
    return tuple(sorted(spans))


def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def _check_names(written: Written) -> None:
    seen: set[str] = set()
    for number, one in enumerate(written.document["rules"]):
        if one["rule"] in seen:
            raise written.wrong(("rules", number, "rule"), Detail("the rule {value} stands there twice", one["rule"]))
        seen.add(one["rule"])
