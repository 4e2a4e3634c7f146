"""Rule packs: what a city writes in YAML, read safely and said plainly where it does not fit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from cityloom.detection.domain.pack_faults import located, place_of, unfit, unreadable, why
from cityloom.kernel import units
from cityloom.kernel.refused import Detail, Refused
from cityloom.kernel.written import NO_YAML, no_yaml

LARGEST_BYTES = 256 * 1024
_FOLDER = Path(__file__).parent
_DEEPEST = 16
_DEEPEST_CONDITION = 4
_LONGEST_S = 90 * 86_400
_SECONDS = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}
_LARGE = "A rule pack has at most {limit} bytes; this is another file."
FORMS = {  # what a condition may be -> what must and may stand beside it
    "above": ({"kind"}, {"unit", "for"}), "below": ({"kind"}, {"unit", "for"}),
    "falls": ({"kind", "within"}, {"unit"}), "rises": ({"kind", "within"}, {"unit"}),
    "unusual": ({"kind"}, {"direction", "for"}), "silent": ({"kind"}, set()), "unchanged": ({"kind"}, set()),
    "sequence": ({"within"}, {"within_m"}), "together": ({"within", "at_least"}, {"within_m"}), "any": (set(), set()),
}  # fmt: skip
_OPENS = (yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken, yaml.BlockSequenceStartToken,
          yaml.BlockMappingStartToken)  # fmt: skip
_CLOSES = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken, yaml.BlockEndToken)


@dataclass(frozen=True)
class Condition:
    """One form of `FORMS` with its number, and the conditions inside it; durations are in seconds."""

    form: str
    number: float = 0.0
    kind: str = ""
    unit: str = ""
    direction: str = "either"
    for_s: float = 0.0
    within_s: float = 0.0
    within_m: float | None = None
    at_least: int = 2
    inner: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Rule:
    """When to say something; what has fired at a stream is quiet there for `quiet_s`."""

    name: str
    title: Mapping[str, str]
    quiet_s: float
    when: Condition


@dataclass(frozen=True)
class Pack:
    """The rules of one purpose."""

    name: str
    title: Mapping[str, str]
    rules: tuple[Rule, ...]


def kinds_of(pack: Pack) -> set[str]:
    """The kinds of streams that its rules ask of."""
    return {kind for rule in pack.rules for kind in _kinds(rule.when)}


def _kinds(condition: Condition) -> set[str]:
    return {condition.kind} - {""} | {kind for inner in condition.inner for kind in _kinds(inner)}


def shipped() -> dict[str, Path]:
    """The packs that come with the program."""
    return {path.stem.removeprefix("pack_"): path for path in sorted(_FOLDER.glob("pack_*.yaml"))}


def pack_of(text: str) -> Pack:
    """The pack that is written.

    Raises: Refused `detection.pack_too_large`, `detection.pack_unreadable`, `detection.pack_unfit`.
    """
    document = document_of(text)
    try:
        return _pack(document)
    except Refused as refusal:
        raise located(refusal, text) from refusal


def _pack(document: Any) -> Pack:
    error = best_match(_schema().iter_errors(document))
    if error is not None:
        raise unfit(where_of(place_of(error)), why(error))
    rules = tuple(_rule(each, number) for number, each in enumerate(document["rules"]))
    names = [rule.name for rule in rules]
    for name in names:
        if names.count(name) > 1:
            raise unfit(f"rules.{len(names) - 1 - names[::-1].index(name)}.rule",
                        Detail("the rule {value} stands there twice", name))  # fmt: skip
    return Pack(document["pack"], document["title"], rules)


@cache
def _schema() -> Draft202012Validator:
    return Draft202012Validator(json.loads((_FOLDER / "pack.schema.json").read_text()))


def document_of(text: str) -> Any:
    """What YAML says, read safely.

    Raises: Refused `detection.pack_too_large`, `detection.pack_unreadable`.
    """
    if len(text.encode()) > LARGEST_BYTES:
        raise Refused("detection.pack_too_large", _LARGE, limit=LARGEST_BYTES)
    try:
        _bound(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - it is a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise unreadable(no_yaml(error.problem or ""), line) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise unreadable(NO_YAML, 1) from error


def _bound(text: str) -> None:
    """Refuse what could grow when it is read: aliases, tags and depth."""
    depth = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        depth += isinstance(token, _OPENS) - isinstance(token, _CLOSES)
        if depth > _DEEPEST:
            raise unreadable(Detail("it is too deep"), token.start_mark.line + 1)
        if isinstance(token, (yaml.AliasToken, yaml.AnchorToken, yaml.TagToken)):
            raise unreadable(Detail("anchors, aliases and tags are not used here"), token.start_mark.line + 1)


class _Loader(yaml.SafeLoader):
    """YAML whose names stand once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise unreadable(Detail("{value} stands here twice", str(key.value)[:40]), key.start_mark.line + 1)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _rule(written: Mapping[str, Any], number: int) -> Rule:
    where = f"rules.{number}.when"
    return Rule(written["rule"], written["title"], seconds_of(written.get("quiet", "10 min"), where),
                _condition(written["when"], where, 1))  # fmt: skip


def _condition(written: Mapping[str, Any], where: str, depth: int) -> Condition:
    forms = sorted(set(written) & set(FORMS))
    if len(forms) != 1:
        found = Detail("not {value} and {limit}", *forms[:2]) if forms else Detail("there is none")
        raise unfit(where, Detail("a condition has one of {limit}; {value}", found, ", ".join(FORMS)))
    form = forms[0]
    _check_beside(form, written, where)
    if depth > _DEEPEST_CONDITION:
        raise unfit(where, Detail("conditions stand at most {limit} deep in each other", limit=_DEEPEST_CONDITION))
    inside = written[form] if isinstance(written[form], list) else [written[form]] if form == "together" else []
    place = (lambda at: f".{at}") if isinstance(written[form], list) else (lambda _at: "")
    inner = tuple(_condition(each, f"{where}.{form}{place(at)}", depth + 1) for at, each in enumerate(inside))
    number = seconds_of(written[form], where) if form in ("silent", "unchanged") else written[form]
    return Condition(
        form, 0.0 if inner else float(number), written.get("kind", ""), written.get("unit", ""),
        written.get("direction", "either"), seconds_of(written.get("for"), where),
        seconds_of(written.get("within"), where), written.get("within_m"), written.get("at_least", 2), inner,
    )  # fmt: skip


def _check_beside(form: str, written: Mapping[str, Any], where: str) -> None:
    must, may = FORMS[form]
    beside = set(written) - {form}
    if lacks := sorted(must - beside):
        raise unfit(where, Detail("{value} needs {limit} beside it", form, lacks[0]))
    if more := sorted(beside - must - may):
        raise unfit(f"{where}.{more[0]}", Detail("{value} has no meaning beside {limit}", more[0], form))
    if "unit" in written and not units.known(written["unit"]):
        raise unfit(f"{where}.unit", Detail("{value} is not a UCUM code this city reads", written["unit"]))


def seconds_of(written: str | None, where: str = "") -> float:
    """A duration such as `5 min`, in seconds; none is 0."""
    if written is None:
        return 0.0
    number, unit = written.split(" ")
    found = float(number) * _SECONDS[unit]
    if found > _LONGEST_S:
        raise unfit(where, Detail("{value} is longer than the 90 days that a rule may look back", written))
    return found


def where_of(path: Any) -> str:
    """A place of a document in words."""
    return ".".join(map(str, path)) or "the pack"
