"""Rule packs: what a city writes in YAML, read safely and said plainly where it does not fit."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from cityloom.kernel import units
from cityloom.kernel.refused import Refused

LARGEST_BYTES = 256 * 1024
_FOLDER = Path(__file__).parent
_DEEPEST = 16
_DEEPEST_CONDITION = 4
_LONGEST_S = 90 * 86_400
_SECONDS = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}
_LARGE = "A rule pack has at most {limit} bytes; this is another file."
_UNREADABLE = "The rule pack cannot be read at line {limit}: {value}."
_UNFIT = "The rule pack does not fit: {value}."
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


def shipped() -> dict[str, Path]:
    """The packs that come with the program."""
    return {path.stem.removeprefix("pack_"): path for path in sorted(_FOLDER.glob("pack_*.yaml"))}


def pack_of(text: str) -> Pack:
    """The pack that is written.

    Raises: Refused `detection.pack_too_large`, `detection.pack_unreadable`, `detection.pack_unfit`.
    """
    document = document_of(text)
    error = best_match(_schema().iter_errors(document))
    if error is not None:
        raise unfit(where_of(error.absolute_path), error.message)
    rules = tuple(_rule(each, number) for number, each in enumerate(document["rules"]))
    names = [rule.name for rule in rules]
    for name in names:
        if names.count(name) > 1:
            raise unfit("rules", f"the rule {name} stands there twice")
    return Pack(document["pack"], document["title"], rules)


@cache
def _schema() -> Draft202012Validator:
    return Draft202012Validator(json.loads((_FOLDER / "pack.schema.json").read_text()))


def document_of(text: str) -> Any:
    if len(text.encode()) > LARGEST_BYTES:
        raise Refused("detection.pack_too_large", _LARGE, limit=LARGEST_BYTES)
    try:
        _bound(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - it is a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _unreadable(error.problem or "this is no YAML", line) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _unreadable("this is no YAML", 1) from error


def _bound(text: str) -> None:
    """Refuse what could grow when it is read: aliases, tags and depth."""
    depth = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        depth += isinstance(token, _OPENS) - isinstance(token, _CLOSES)
        if depth > _DEEPEST:
            raise _unreadable("it is too deep", token.start_mark.line + 1)
        if isinstance(token, (yaml.AliasToken, yaml.AnchorToken, yaml.TagToken)):
            raise _unreadable("anchors, aliases and tags are not used here", token.start_mark.line + 1)


class _Loader(yaml.SafeLoader):
    """YAML whose names stand once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(None, None, f"{str(key.value)[:40]} stands here twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _rule(written: Mapping[str, Any], number: int) -> Rule:
    where = f"rules.{number}.when"
    return Rule(written["rule"], written["title"], seconds_of(written.get("quiet", "10 min"), where),
                _condition(written["when"], where, 1))  # fmt: skip


def _condition(written: Mapping[str, Any], where: str, depth: int) -> Condition:
    forms = sorted(set(written) & set(FORMS))
    if len(forms) != 1:
        found = f"not {' and '.join(forms)}" if forms else "there is none"
        raise unfit(where, f"a condition has one of {', '.join(FORMS)}; {found}")
    form = forms[0]
    _check_beside(form, written, where)
    if depth > _DEEPEST_CONDITION:
        raise unfit(where, f"conditions stand at most {_DEEPEST_CONDITION} deep in each other")
    inside = written[form] if isinstance(written[form], list) else [written[form]] if form == "together" else []
    inner = tuple(_condition(each, f"{where}.{form}", depth + 1) for each in inside)
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
        raise unfit(where, f"{form} needs {lacks[0]} beside it")
    if more := sorted(beside - must - may):
        raise unfit(where, f"{more[0]} has no meaning beside {form}")
    if "unit" in written and not units.known(written["unit"]):
        raise unfit(where, f"{written['unit']} is not a UCUM code this city reads")


def seconds_of(written: str | None, where: str = "") -> float:
    """A duration such as `5 min`, in seconds; none is 0."""
    if written is None:
        return 0.0
    number, unit = written.split(" ")
    found = float(number) * _SECONDS[unit]
    if found > _LONGEST_S:
        raise unfit(where, f"{written} is longer than the 90 days that a rule may look back")
    return found


def where_of(path: Any) -> str:
    return ".".join(map(str, path)) or "the pack"


def unfit(where: str, words: str) -> Refused:
    shown = re.sub(r"\s+", " ", f"at {where}, {words}")
    return Refused("detection.pack_unfit", _UNFIT, value=shown[:400])


def _unreadable(what: str, line: int) -> Refused:
    return Refused("detection.pack_unreadable", _UNREADABLE, value=what, limit=line)
