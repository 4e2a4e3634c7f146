"""Which source is believed for which field, and why; what the others say stays beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

from cityloom.kernel.refused import Detail
from cityloom.registers.domain.facts import Fact
from cityloom.registers.domain.kinds import REGISTERS, Field, Register
from cityloom.registers.domain.mapping import CORRECTIONS
from cityloom.registers.domain.sameness import IGNORED, is_near, is_same_text, metres_between
from cityloom.registers.domain.written import Place, document_of, meant, unfit, wrong

PEOPLE = "people"
PEOPLE_FIELDS = ("name", "phone", "birth_date", "sex", "needs")
"""What somebody can ask to have corrected in the own entry; only the gate knows which that is."""
EMPTIED_FIELDS = ("phone", "needs")
"""Of these somebody can say that there is none any more."""
_CORRECTABLE = frozenset({"text", "choice", "date", "number", "whole", "money", "division", "key", "lon"})
Why = Literal["settled", "corrected", "authoritative", "newest", "most-complete", "only"]
_MEASURES = ("number",)
_SHARE = 0.01
_WITHIN_M = 30.0


@dataclass(frozen=True)
class FieldRule:
    """What holds for a field: whose word counts first, who only cross-checks, and what is the same.

    `tolerance` in the register's unit, `share` of the larger number, `within_m` for places.
    """

    sources: tuple[str, ...] = ()
    cross_checks: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset(IGNORED)
    tolerance: float = 0.0
    share: float = 0.0
    within_m: float = _WITHIN_M
    compare: bool = True


@dataclass(frozen=True)
class Rules:
    """Rules that fit their schema and the registers; `text` is as it was written, `number` counts the versions."""

    fields: Mapping[tuple[str, str], FieldRule] = field(default_factory=dict)
    text: str = ""
    number: int = 0

    def of(self, register: str, name: str) -> FieldRule:
        """The rule of a field."""
        return self.fields.get((register, name)) or _plain_rule(register, name)


@dataclass(frozen=True)
class Said:
    """What a source says of a field, since when, and in which record."""

    source: str
    value: Any
    valid_from: date
    record: int
    load: int


@dataclass(frozen=True)
class Believed:
    """A field as the rules see it: the source that is believed and why, who agrees, and what the others say instead.

    `value` is None where only cross-checks say anything.
    """

    field: str
    value: Any
    source: str
    why: Why | Literal["nobody"]
    record: int
    agree: tuple[str, ...] = ()
    others: tuple[Said, ...] = ()


@dataclass(frozen=True)
class Entry:
    """An entry of a register as the rules see it; `rules` is their version, `is_gone` that nobody believed has it."""

    register: str
    key: str
    is_gone: bool
    fields: Mapping[str, Believed]
    rules: int

    @property
    def values(self) -> dict[str, Any]:
        """What is believed, by field."""
        return {name: one.value for name, one in self.fields.items() if one.value is not None}


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of rules on sources."""
    found: dict[str, Any] = json.loads((Path(__file__).parent / "survivorship.schema.json").read_text("utf-8"))
    return found


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator  # takes a while to import

    return Draft202012Validator(schema())


def read(text: str, number: int = 0) -> Rules:
    """Rules from their YAML.

    Raises: Refused `registers.rules_*` with the line of what is wrong, and what was probably meant.
    """
    document, lines = document_of(text, "rules")
    error = next(iter(sorted(_validator().iter_errors(document), key=lambda found: list(map(str, found.path)))), None)
    if error is not None:
        raise unfit(error, lines, "rules")
    fields: dict[tuple[str, str], FieldRule] = {}
    for name, says in document["registers"].items():
        if name not in REGISTERS:
            unknown = Detail("there is no register {value}", meant(name, list(REGISTERS)))
            raise wrong(("registers", name), unknown, lines, "rules")
        fields.update(_rules_of(REGISTERS[name], says, lines))
    return Rules(fields, text, number)


def _rules_of(
    register: Register, says: Mapping[str, Any], lines: Mapping[Place, int]
) -> Iterator[tuple[tuple[str, str], FieldRule]]:
    place = ("registers", register.name, "fields")
    own = says.get("fields", {})
    for name in own:
        if name not in register.names or name == register.key:
            known = [known for known in register.names if known != register.key]
            words = Detail("{limit} have no field {value}", meant(name, known), register.name)
            raise wrong((*place, name), words, lines, "rules")
        if name == "lat":
            whole = Detail("a place is believed as a whole; write its rule under lon")
            raise wrong((*place, name), whole, lines, "rules")
        _check_form((*place, name), register.field(name), own[name], lines)
    for each in register.fields:
        yield (register.name, each.name), _rule(register, each, says, own.get(each.name, {}))


def _check_form(place: Place, target: Field, says: Mapping[str, Any], lines: Mapping[Place, int]) -> None:
    for name, kinds in _ONLY_FOR.items():
        if name in says and target.kind not in kinds:
            other = Detail("{value} is {limit}, so this says nothing of it", target.name, target.kind)
            raise wrong((*place, name), other, lines, "rules")


_ONLY_FOR: dict[str, tuple[str, ...]] = {
    "ignore": ("text", "key"), "tolerance": ("number", "whole", "money"), "share": ("number", "whole", "money"),
    "within_m": ("lon",),
}  # fmt: skip


def _rule(register: Register, target: Field, says: Mapping[str, Any], own: Mapping[str, Any]) -> FieldRule:
    base = _plain_rule(register.name, target.name)
    return FieldRule(
        sources=tuple(own.get("sources", says.get("sources", ()))),
        cross_checks=frozenset(own.get("cross_checks", ())) | frozenset(says.get("cross_checks", ())),
        ignore=frozenset(own.get("ignore", base.ignore)), tolerance=own.get("tolerance", base.tolerance),
        share=own.get("share", base.share), within_m=own.get("within_m", base.within_m),
        compare=own.get("compare", True),
    )  # fmt: skip


@cache
def _plain_rule(register: str, name: str) -> FieldRule:
    """What holds where nobody wrote a rule."""
    kind = REGISTERS[register].field(name).kind if register in REGISTERS else "text"
    return FieldRule(share=_SHARE if kind in _MEASURES else 0.0)


def is_compared(register: Register, target: Field) -> bool:
    """Whether a field is compared between sources here: sealed ones are compared behind the gate, shapes nowhere."""
    return not (target.personal or target.kind == "geometry" or target.name in (register.key, "lat"))


def correctable_fields(register: Register) -> list[Field]:
    """The fields that are corrected at somebody's request; sealed ones are corrected at the department.

    `lon` is the place as a whole.
    """
    return [each for each in register.fields
            if each.kind in _CORRECTABLE and not each.personal and each.name not in (register.key, "lat")]  # fmt: skip


def is_same(kind: str, rule: FieldRule, one: Any, other: Any) -> bool:
    """Whether two sources say the same; of a place (`lon`) both values are pairs of longitude and latitude."""
    if kind == "lon":
        return metres_between(*one, *other) <= rule.within_m
    if kind in ("number", "whole", "money"):
        return is_near(one, other, rule.tolerance, rule.share)
    return is_same_text(one, other, rule.ignore)


def believed(
    register: Register, key: str, rules: Rules, facts: Sequence[Fact], settled: Mapping[str, str] | None = None
) -> Entry:  # fmt: skip
    """What is believed of an entry, from all that was said of it, the last word first.

    `settled` names by field the source that a steward found to be right.
    """
    current = [fact for fact in facts if fact.is_current]
    here = [fact for fact in current if not fact.is_gone]
    fields = {}
    for target in register.fields:
        if not is_compared(register, target):
            continue
        rule = rules.of(register.name, target.name)
        if one := _field(target, rule, here, facts, (settled or {}).get(target.name, "")):
            fields.update(_apart(one) if target.kind == "lon" else {target.name: one})
    return Entry(register.name, key, _is_gone(register, rules, current), fields, rules.number)


SEALED_FIELDS = ("name", "national_id", "phone", "birth_date", "sex", "needs")
"""What is said of people and compared behind the gate."""


def chosen(rules: Rules, facts: Sequence[Fact], settled: Mapping[str, str]) -> dict[str, int]:
    """By sealed field of a person the record that is believed, from what each source says, as numbers.

    Facts come the last first; earlier ones tell whether a correction still stands.
    """
    found = {}
    for name in SEALED_FIELDS:
        said = {fact.origin.source: fact for fact in facts if fact.is_current and fact.values.get(name)}
        if said:
            target = REGISTERS[PEOPLE].field(name)
            source, _why = _winner(target, rules.of(PEOPLE, name), said, facts, settled.get(name, ""))
            if source:
                found[name] = said[source].record
    return found


def _is_gone(register: Register, rules: Rules, current: Sequence[Fact]) -> bool:
    """Whether the first authority that ever had it has it no more; without one, whether nobody has it."""
    rule = rules.of(register.name, register.key)
    heard = [fact for fact in current if fact.origin.source not in rule.cross_checks | {CORRECTIONS}]
    for source in rule.sources:
        if said := [fact for fact in heard if fact.origin.source == source]:
            return said[0].is_gone
    return all(fact.is_gone for fact in heard)


def _field(
    target: Field, rule: FieldRule, here: Sequence[Fact], facts: Sequence[Fact], settled: str
) -> Believed | None:  # fmt: skip
    said: dict[str, Fact] = {}
    for fact in here:  # of a source that knows joined entries under two keys, the last word counts
        if _value(target, fact) is not None:
            said.setdefault(fact.origin.source, fact)
    if not said:
        return None
    source, why = _winner(target, rule, said, facts, settled)
    if not source:
        return Believed(target.name, None, "", "nobody", 0, (), tuple(_said(target, fact) for fact in said.values()))
    fact = said[source]
    value = _value(target, fact)
    others = [one for one in said.values() if one is not fact]
    same = {id(one) for one in others if is_same(target.kind, rule, value, _value(target, one))}
    return Believed(
        target.name, value, source, why, fact.record,
        tuple(one.origin.source for one in others if id(one) in same),
        tuple(_said(target, one) for one in others if id(one) not in same),
    )  # fmt: skip


def _winner(
    target: Field, rule: FieldRule, said: Mapping[str, Fact], facts: Sequence[Fact], settled: str
) -> tuple[str, Why]:  # fmt: skip
    if settled in said:
        return settled, "settled"
    heard = {name: fact for name, fact in said.items() if name not in rule.cross_checks}
    correction = None if CORRECTIONS in rule.sources else heard.pop(CORRECTIONS, None)
    source, why = _ordinary(rule, heard)
    if correction and (not source or _still_corrected(target, rule, source, facts)):
        return CORRECTIONS, "corrected"
    return source, why


def _ordinary(rule: FieldRule, heard: Mapping[str, Fact]) -> tuple[str, Why]:
    for source in rule.sources:
        if source in heard:
            return source, "authoritative"
    if len(heard) < 2:
        return next(iter(heard), ""), "only"
    ranked = sorted(heard.values(), key=lambda fact: fact.origin.source)
    ranked.sort(key=lambda fact: (fact.valid_from, len(fact.values)), reverse=True)
    first, second = ranked[:2]
    return first.origin.source, "newest" if first.valid_from > second.valid_from else "most-complete"


def _still_corrected(target: Field, rule: FieldRule, source: str, facts: Sequence[Fact]) -> bool:
    """Whether a source still says what it said when the correction was granted: then the correction stands.

    The source's next file repeats the mistake as long as nobody there has mended it.
    """
    granted = _granted_in(target, rule, facts)
    own = [fact for fact in facts if fact.origin.source == source]
    before = next((fact for fact in own if fact.origin.load < granted), None)
    was = _value(target, before) if before else None
    now = _value(target, own[0])
    return was is not None and now is not None and is_same(target.kind, rule, was, now)


def _granted_in(target: Field, rule: FieldRule, facts: Sequence[Fact]) -> int:
    """The load since which the corrections say what they say of a field now."""
    own = [fact for fact in facts if fact.origin.source == CORRECTIONS]
    now, granted = _value(target, own[0]), own[0].origin.load
    for fact in own[1:]:
        value = _value(target, fact)
        if value is None or not is_same(target.kind, rule, now, value):
            break
        granted = fact.origin.load
    return granted


def _value(target: Field, fact: Fact) -> Any:
    """What a fact says of a field, None for nothing; a place is a pair."""
    if target.kind != "lon":
        return fact.values.get(target.name)
    lon, lat = fact.values.get("lon"), fact.values.get("lat")
    return None if lon is None or lat is None else (lon, lat)


def _said(target: Field, fact: Fact) -> Said:
    return Said(fact.origin.source, _value(target, fact), fact.valid_from, fact.record, fact.origin.load)


def _apart(place: Believed) -> dict[str, Believed]:
    """A place as longitude and latitude again."""
    out = {}
    for at, name in enumerate(("lon", "lat")):
        others = tuple(Said(o.source, o.value[at], o.valid_from, o.record, o.load) for o in place.others)
        value = None if place.value is None else place.value[at]
        out[name] = Believed(name, value, place.source, place.why, place.record, place.agree, others)
    return out
