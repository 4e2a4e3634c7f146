"""A framework as somebody wrote it, checked: by its schema, then for a tree, weights and steps that can be worked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cityloom.insight.domain.indicators import checking
from cityloom.insight.domain.indicators.framework import (
    Aggregating,
    Framework,
    Gate,
    Imputing,
    Item,
    Minimum,
    Normal,
    Recipe,
    Screening,
    Source,
    Weighting,
)  # fmt: skip
from cityloom.insight.domain.indicators.treating import NO_TREATMENT, Rule
from cityloom.kernel import written
from cityloom.kernel.refused import Detail, Refused
from cityloom.kernel.written import Document, Place

LARGEST_BYTES = 1024 * 1024
FOLDER = Path(__file__).parents[2] / "frameworks"
_BEGINS = Detail("a framework begins with names and values, as in {limit}", limit="`cityloom: 1`")
_UNFIT = "The framework does not fit at {limit}: {value}."


@dataclass(frozen=True)
class Fault:
    """What is wrong, where in the document, and in which line of the file (0: it is no file)."""

    refusal: Refused
    place: str
    line: int = 0


def shipped() -> dict[str, Path]:
    """The frameworks that come with the program, by name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}


def document_of(text: str) -> Document:
    """What a file says, with its lines.

    Raises: Refused `insight.framework_large`, `insight.framework_unreadable` with the line.
    """
    if len(text.encode()) > LARGEST_BYTES:
        raise Refused("insight.framework_large", "A framework has at most {limit} bytes; this is another file.",
                      limit=LARGEST_BYTES)  # fmt: skip
    try:
        return written.read(text, begins=_BEGINS)
    except written.Fault as fault:
        raise Refused("insight.framework_unreadable", "The framework cannot be read at line {limit}: {value}.",
                      value=fault.what, limit=fault.line) from fault  # fmt: skip


def faults_of(document: Mapping[str, Any], lines: Document | None = None) -> list[Fault]:
    """All that is wrong with a framework, in the order of the document; [] for one that can be worked."""
    found = list(_unfit(document)) or list(checking.faults(document))
    told = [Fault(refusal, ".".join(map(str, place)) or "-", lines.line(place) if lines else 0)
            for refusal, place in found]  # fmt: skip
    return sorted(told, key=lambda one: one.line)


def framework_of(document: Mapping[str, Any]) -> Framework:
    """The framework of a document.

    Raises: Refused `insight.framework_*`, for the first thing that is wrong.
    """
    found = next(_unfit(document), None) or next(checking.faults(document), None)
    if found is not None:
        raise found[0]
    return _framework(document)


@cache
def shipped_document(name: str) -> Mapping[str, Any]:
    """What a shipped framework says.

    Raises: Refused `insight.no_framework`.
    """
    known = shipped()
    if name not in known:
        raise Refused("insight.no_framework", "There is no framework {value}; there are {limit}.", value=name[:80],
                      limit=", ".join(known))  # fmt: skip
    return document_of(known[name].read_text("utf-8")).says


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of a framework."""
    found: dict[str, Any] = json.loads((FOLDER / "framework.schema.json").read_text("utf-8"))
    return found


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator  # takes a while to import

    return Draft202012Validator(schema())


def _unfit(document: Mapping[str, Any]) -> Iterator[tuple[Refused, Place]]:
    held = Document(dict(document), {})
    for error in sorted(_validator().iter_errors(document), key=lambda one: list(map(str, one.absolute_path))):
        place: Place = tuple(error.absolute_path)
        what = written.unmet(error, held).what
        where = ".".join(map(str, place))
        told = what.limit if isinstance(what.limit, Detail) and what.template == "{value}: {limit}" else what
        yield Refused("insight.framework_unfit", _UNFIT, value=told, limit=where or "-"), place


def _framework(says: Mapping[str, Any]) -> Framework:
    minimum = says.get("minimum")
    return Framework(
        code=says["framework"], version=says.get("version", ""), title=says["title"],
        purpose=says.get("purpose", "index"), unit=says["unit"], items=tuple(map(_item, says["items"])),
        recipe=recipe_of(says.get("steps", {})), document=says, about=says.get("about"),
        source=says.get("source", ""), denominators=says.get("denominators", ()), groups=says.get("groups", ()),
        minimum=Minimum(minimum["column"], float(minimum["least"])) if minimum else None,
    )  # fmt: skip


def recipe_of(steps: Mapping[str, Any]) -> Recipe:
    """The recipe of steps that were checked."""
    plain = Recipe()
    weight = dict(steps.get("weight", {"method": "given"}))
    weight["below"] = tuple(weight.get("below", ()))
    weight["matrices"] = {code: tuple(map(tuple, rows)) for code, rows in weight.get("matrices", {}).items()}
    aggregate = dict(steps.get("aggregate", {"method": "arithmetic"}))
    aggregate["levels"] = {int(level): way for level, way in aggregate.get("levels", {}).items()}
    return Recipe(
        impute=Imputing(**steps.get("impute", {})), screen=Screening(**steps.get("screen", {})),
        treat=_rule(steps.get("treat", {"method": "none"})),
        normalise=_normal(steps["normalise"]) if "normalise" in steps else plain.normalise,
        weight=Weighting(**weight), aggregate=Aggregating(**aggregate), denominate=steps.get("denominate", True),
        unusable=steps.get("unusable", "refuse"),
    )  # fmt: skip


def _item(row: Mapping[str, Any]) -> Item:
    return Item(
        code=row["code"], title=row["title"], parent=row.get("parent", ""),
        direction=-1 if row.get("direction") == "down" else 1, weight=float(row.get("weight", 1)),
        about=row.get("about"), unit=row.get("unit", ""), denominator=row.get("denominator", ""),
        scale=float(row.get("scale", 1)), target=row.get("target"), measures=row.get("measures", ""),
        source=_source(row["value"]) if "value" in row else Source("column", (row["code"],)),
        treat=_rule(row["treat"]) if "treat" in row else None,
        normal=_normal(row["normalise"]) if "normalise" in row else None, way=row.get("aggregate", ""),
        least=row.get("least"), from_where=row.get("source", ""),
    )  # fmt: skip


def _source(says: Mapping[str, Any]) -> Source:
    if "checklist" in says:
        return Source("checklist", tuple(says["checklist"]), points=tuple(map(float, says["checklist"].values())))
    if "ratio" in says:
        return Source("ratio", tuple(says["ratio"]), tuple(says.get("of", ())), float(says.get("times", 1)))
    if "column" in says:
        return Source("column", (says["column"],), times=float(says.get("times", 1)))
    form = "mean" if "mean" in says else "sum"
    return Source(form, tuple(says[form]), times=float(says.get("times", 1)))  # type: ignore[arg-type]


def _rule(says: Mapping[str, Any]) -> Rule:
    if says["method"] == "none":
        return NO_TREATMENT
    given = {name: value for name, value in says.items() if name != "method"}
    return Rule(first="winsorise" if says["method"] == "winsorise" else "none", **given)


def _normal(says: Mapping[str, Any]) -> Normal:
    given = {name: value for name, value in says.items() if name not in ("method", "gates")}
    gates = tuple(_gate(row) for row in says.get("gates", ()))
    return Normal(says["method"], given, gates)


def _gate(row: Mapping[str, Any]) -> Gate:
    test = next(name for name in ("at_least", "at_most", "equals") if name in row)
    return Gate(row["of"], test, float(row[test]), float(row["most"]))  # type: ignore[arg-type]
