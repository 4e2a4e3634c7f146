"""What is wrong with a framework that fits its schema: its tree, its weights, its steps, its unit and items."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from cityloom.insight.domain.indicators import admissible
from cityloom.insight.domain.indicators.hierarchy import first_cycle, hierarchy_of
from cityloom.kernel.refused import Refused
from cityloom.kernel.written import Place

Found = Iterator[tuple[Refused, Place]]
_PARENTS = "The item {value} has two parents, {limit}; it can have one: make two items of it, or choose."
_TWICE = "The item {value} is there twice; leave one of them out."
_UNKNOWN = "The item {value} stands under {limit}, which is no item; add that item, or correct the name."
_RING = "The items {value} stand above each other in a ring; one of them needs another parent."
_ORPHAN = "The item {value} stands under no other, though the index is {limit}: give it a parent."
_BARE = "The item {value} is the only one: an index needs at least one indicator below it."
_WEIGHTLESS = "The weights of the items below {value} sum to zero: give at least one of them a weight."
_NO_DENOMINATOR = "The item {value} is divided by {limit}, which is not among the denominators; add it there."
_NO_GROUP = "Values are filled in by the group {value}, which is not among the groups: {limit}."
_NEEDS = "The method {value} needs {limit}; add it."
_NO_ITEM = "The step weight names {value}, which has nothing below it in this framework; there are {limit}."
_MATRIX = "The comparisons of {value} need {limit} rows and columns, one for each item below it."
_WANTED = "The importances below {value} are not all given: all its items need one, {limit} has none."
_LEVEL = "There is no level {value} to aggregate; the levels are 2 to {limit}."
_ORDER = "The numbers of {value} do not rise; write them from the lowest to the highest."
_SCORES = "The classes of {value} need one score more than thresholds: {limit}."
_POSTS = "The goalposts of {value} are not two numbers of which the upper is higher (and above zero with a logarithm)."
_PROFILE = "A profile adds nothing up, so it has no step {value}; leave it out, or make it an index."
_ZERO = "The method {value} needs a number above zero to divide or multiply by."
_SHARES = "The quantiles of {value} are shares between 0 and 1."
_TAKEN = "The tables of an index have a column {value} of their own; call the item otherwise."
TAKEN = frozenset({"unit", "year", "item", "key", "name", "rank", "score", "measured", "area", "lon", "lat"})
_NEEDED = {
    "goalposts": ("lower", "upper"), "thresholds": ("thresholds", "scores"), "quantiles": ("quantiles", "scores"),
    "ratio": ("target",), "piecewise": ("points",), "steps": ("table",), "distance-to-reference": ("unit",),
}  # fmt: skip


def faults(says: Mapping[str, Any]) -> Found:
    """Everything that is wrong, with its place."""
    refusal = admissible.refused_unit(says["unit"])
    if refusal:
        yield refusal, ("unit",)
    for number, row in enumerate(says["items"]):
        if row["code"] in TAKEN:
            yield Refused("insight.framework_taken", _TAKEN, value=row["code"]), ("items", number, "code")
        words = " ".join([*row["title"].values(), row["code"].replace("_", " ").replace("-", " ")])
        refusal = admissible.refused_item(row["code"], row.get("measures", ""), words)
        if refusal:
            yield refusal, ("items", number)
    broken = list(_tree_faults(says))
    yield from broken
    yield from _normal_faults(says)
    if not broken:
        yield from _weight_faults(says)
        yield from _step_faults(says)


def _tree_faults(says: Mapping[str, Any]) -> Found:
    rows, parents = says["items"], {}
    for number, row in enumerate(rows):
        code, up = row["code"], row.get("parent", "")
        if isinstance(up, list) or (code in parents and parents[code] != up):
            told = up if isinstance(up, list) else [parents[code] or "-", up or "-"]
            refusal = Refused("insight.framework_two_parents", _PARENTS, value=code, limit=", ".join(told))
            yield refusal, ("items", number)
            up = up[0] if isinstance(up, list) and up else "" if isinstance(up, list) else up
        elif code in parents:
            yield Refused("insight.framework_twice", _TWICE, value=code), ("items", number)
        parents.setdefault(code, up)
    places = {row["code"]: ("items", number) for number, row in reversed(list(enumerate(rows)))}
    for code, up in parents.items():
        if up and up not in parents:
            yield Refused("insight.framework_no_parent", _UNKNOWN, value=code, limit=up), places[code]
    ring = first_cycle(parents)
    if ring:
        yield Refused("insight.framework_cycle", _RING, value=", ".join(ring[:20])), places[ring[0]]
    yield from _top_faults(says, parents, places)


def _top_faults(says: Mapping[str, Any], parents: Mapping[str, str], places: Mapping[str, Place]) -> Found:
    tops = [code for code, up in parents.items() if not up]
    if says.get("purpose") == "profile" or not tops:
        return
    counts = Counter(_top(code, parents) for code in parents)
    index = max(tops, key=lambda code: counts[code])
    if counts[index] == 1:
        yield Refused("insight.framework_bare", _BARE, value=index), places[index]
    for code in tops:
        if code != index:
            yield Refused("insight.framework_orphan", _ORPHAN, value=code, limit=index), places[code]


def _top(code: str, parents: Mapping[str, str]) -> str:
    seen = set()
    while parents.get(code) and code not in seen and parents[code] in parents:
        seen.add(code)
        code = parents[code]
    return code


def _weight_faults(says: Mapping[str, Any]) -> Found:
    sums: dict[str, float] = defaultdict(float)
    first: dict[str, int] = {}
    for number, row in enumerate(says["items"]):
        sums[row.get("parent", "")] += row.get("weight", 1)
        first.setdefault(row.get("parent", ""), number)
    if says.get("purpose") == "profile":
        return
    for up, whole in sums.items():
        if not whole > 0:
            yield Refused("insight.framework_weights", _WEIGHTLESS, value=up or "-"), ("items", first[up], "weight")


def _normal_faults(says: Mapping[str, Any]) -> Found:
    named = {one["code"] for one in says.get("denominators", ())}
    whole = says.get("steps", {}).get("normalise")
    if whole and whole["method"] != "distance-to-target":
        yield from _method_faults("-", whole, None, ("steps", "normalise"))
    has_below = {row.get("parent") for row in says["items"] if isinstance(row.get("parent"), str)}
    for number, row in enumerate(says["items"]):
        place: Place = ("items", number)
        if row.get("denominator") and row["denominator"] not in named:
            yield Refused("insight.framework_denominator", _NO_DENOMINATOR, value=row["code"],
                          limit=row["denominator"]), (*place, "denominator")  # fmt: skip
        if "ratio" in row.get("value", {}) and "of" not in row["value"]:
            lacking = f"ratio ({row['code']})"
            yield Refused("insight.framework_needs", _NEEDS, value=lacking, limit="of"), (*place, "value")
        own = row.get("normalise", whole)
        if own and row["code"] not in has_below and ("normalise" in row or own["method"] == "distance-to-target"):
            yield from _method_faults(row["code"], own, row.get("target"), (*place, "normalise"))


def _method_faults(code: str, says: Mapping[str, Any], target: float | None, place: Place) -> Found:
    method = says["method"]
    lacks = [name for name in _NEEDED.get(method, ()) if name not in says]
    if method == "distance-to-target" and target is None:
        lacks = ["target"]
    if lacks:
        yield Refused("insight.framework_needs", _NEEDS, value=f"{method} ({code})", limit=", ".join(lacks)), place
        return
    above_zero = {"ratio": says.get("target"), "goalposts": says.get("factor")}.get(method)
    if above_zero is not None and above_zero <= 0:
        yield Refused("insight.framework_zero", _ZERO, value=f"{method} ({code})"), place
    rising = {"thresholds": says.get("thresholds"), "quantiles": says.get("quantiles"),
              "piecewise": [x for x, _ in says.get("points", ())], "steps": [x for x, _ in says.get("table", ())],
              "min-max": says.get("frozen"),
              "scaled": [says.get("least", 0), says.get("most", 100)]}.get(method)  # fmt: skip
    ranges = [one for one in (rising, says.get("range") if method == "min-max" else None) if one]
    if any(later <= earlier for one in ranges for earlier, later in pairwise(one)):
        yield Refused("insight.framework_order", _ORDER, value=f"{method} ({code})"), place
    if method == "quantiles" and not all(0 < one < 1 for one in says["quantiles"]):
        yield Refused("insight.framework_shares", _SHARES, value=code), place
    if method in ("thresholds", "quantiles") and len(says["scores"]) != len(says[method]) + 1:
        yield Refused("insight.framework_scores", _SCORES, value=code, limit=len(says[method]) + 1), place
    if method == "goalposts" and (says["lower"] >= says["upper"] or (says.get("logarithm") and says["lower"] <= 0)):
        yield Refused("insight.framework_posts", _POSTS, value=code), place


def _step_faults(says: Mapping[str, Any]) -> Found:
    steps = says.get("steps", {})
    if says.get("purpose") == "profile":
        for name in ("weight", "aggregate"):
            if name in steps:
                yield Refused("insight.framework_profile", _PROFILE, value=name), ("steps", name)
        return
    impute, groups = steps.get("impute", {}), [one["code"] for one in says.get("groups", ())]
    if impute.get("method", "").startswith("group-") and "group" not in impute:
        yield Refused("insight.framework_needs", _NEEDS, value=impute["method"], limit="group"), ("steps", "impute")
    if impute.get("group") and impute["group"] not in groups:
        yield Refused("insight.framework_group", _NO_GROUP, value=impute["group"],
                      limit=", ".join(groups) or "-"), ("steps", "impute", "group")  # fmt: skip
    tree = hierarchy_of({row["code"]: row.get("parent", "") for row in says["items"]})
    highest = int(tree.level.max())
    for level in steps.get("aggregate", {}).get("levels", {}):
        if not (level.isdigit() and 2 <= int(level) <= highest):
            refusal = Refused("insight.framework_level", _LEVEL, value=level, limit=highest)
            yield refusal, ("steps", "aggregate", "levels")
    yield from _weighting_faults(steps.get("weight", {}), tree)


def _weighting_faults(weight: Mapping[str, Any], tree: Any) -> Found:
    place: Place = ("steps", "weight")
    below = {code: [tree.codes[one] for one in children]
             for code, children in zip(tree.aggregates, tree.children, strict=True)}  # fmt: skip
    for code in (*weight.get("below", ()), *weight.get("matrices", {})):
        if code not in below:
            yield Refused("insight.framework_no_item", _NO_ITEM, value=code, limit=", ".join(below)[:300]), place
            return
    wanted = weight.get("wanted", {})
    asked = weight.get("below") or list(below)
    if weight.get("method") == "ahp":
        for code in weight.get("below") or weight.get("matrices", {}) or ["-"]:
            rows = weight.get("matrices", {}).get(code)
            size = len(below.get(code, ()))
            if rows is None or len(rows) != size or any(len(row) != size for row in rows):
                yield Refused("insight.framework_matrix", _MATRIX, value=code, limit=size), (*place, "matrices")
    if weight.get("method") == "influence":
        for code in asked:
            named = [one for one in below[code] if one in wanted]
            if named and len(named) < len(below[code]):
                lacking = next(one for one in below[code] if one not in wanted)
                yield Refused("insight.framework_wanted", _WANTED, value=code, limit=lacking), (*place, "wanted")
