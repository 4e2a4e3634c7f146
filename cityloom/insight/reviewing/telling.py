"""A review as its page shows it: sections of words and rows, made of what is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cityloom.insight.display import FINDINGS, PARTS, UNITS_OF
from cityloom.insight.domain.follows import END, START
from cityloom.insight.reviewing import map_picture, proposing, tried, words

_SLOW = 3


def shown(found: Mapping[str, Any], level: str = "") -> dict[str, Any]:
    """Everything that the page shows; `level` is the map that is asked for, in per cent."""
    names = words.names_of(found)
    return {
        "figures": figures(found), "map": map_of(found, names, level), "levels": levels(found, level),
        "ways": ways(found, names), "waiting": waiting(found, names), "bottlenecks": bottlenecks(found, names),
        "rework": rework(found, names), "handovers": handovers(found), "offices": offices(found, names),
        "limits": limits(found, names), "conformance": conformance(found), "findings": findings(found),
        "source": found["source"], "proposals": proposing.told(found, names),
        "trials": tried.trials(found, names), "compared": tried.offices(found),
        "steps": list(zip(found["activities"], names, strict=True)),
        "outside": found["waiting"]["outside"],
    }  # fmt: skip


def titled(title: Mapping[str, str]) -> str:
    """A title in the reader's language."""
    return title.get(get_language() or "en") or title["en"]


def figures(found: Mapping[str, Any]) -> dict[str, Any]:
    """The key figures, with what they are of."""
    one, limit = found["figures"], found["limits"]
    a_case = one["handovers"] / one["cases"] if one["cases"] else 0
    return {
        "cases": words.number(one["cases"]), "events": words.number(one["events"]), "first": _day(one["first_s"]),
        "last": _day(one["last_s"]), "median": words.duration(one["median_s"]), "ninth": words.duration(one["ninth_s"]),
        "mean": words.duration(one["mean_s"]), "ways": words.number(one["variants"]),
        "steps": one["activities"], "offices": one["offices"],
        "common": words.share(one["commonest_cases"], one["cases"]), "repeated": words.count(one["repeated_cases"]),
        "repeated_share": words.share(one["repeated_cases"], one["cases"]),
        "handovers": words.number(a_case, 1), "handovers_known": words.share(one["handovers_of"], one["passes"]),
        "late": words.count(limit["late"]) if limit else "", "limited": words.number(limit["cases"]) if limit else "",
        "late_share": words.share(limit["late"], limit["cases"]) if limit else "",
        "elapsed": words.number(one["elapsed_h"]),
    }  # fmt: skip


def _day(at_s: int) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)


def levels(found: Mapping[str, Any], level: str) -> list[dict[str, Any]]:
    """The maps that there are, from the clearest to the fullest."""
    chosen = _chosen(found, level)
    return [
        {"key": _key(one), "cases": words.number(one["cases"]), "ways": words.number(one["variants"]),
         "share": words.share(one["cases"], found["figures"]["cases"]), "is_here": one is chosen}
        for one in found["maps"]
    ]  # fmt: skip


def _key(one: Mapping[str, Any]) -> str:
    return str(round(100 * one["level"]))


def _chosen(found: Mapping[str, Any], level: str) -> Mapping[str, Any]:
    """The map that is asked for, or the fullest that is still easy to read."""
    maps: Sequence[Mapping[str, Any]] = found["maps"]
    asked = next((one for one in maps if _key(one) == level), None)
    clear = [one for one in maps if len(one["edges"]) <= 24]
    return asked or (clear or maps[:1])[-1]


def map_of(found: Mapping[str, Any], names: Sequence[str], level: str) -> dict[str, Any]:
    """The map of a level, drawn, and its arrows as rows."""
    one = _chosen(found, level)
    timed = sorted((edge["hours"] for edge in one["edges"]), reverse=True)
    slow = timed[min(_SLOW, len(timed)) - 1] if timed else 0
    nodes = {entry["step"]: map_picture.Node(names[entry["step"]], _("{number} times").format(
        number=words.number(entry["count"]))) for entry in one["nodes"]}  # fmt: skip
    ends = {edge[end] for edge in one["edges"] for end in ("source", "target")}
    nodes |= {mark: map_picture.Node(words.step(names, mark)) for mark in (START, END) if mark in ends}
    arrows = {
        (edge["source"], edge["target"]): map_picture.Arrow(
            edge["count"], _arrow_words(edge, slow), is_slow=0 < slow <= edge["hours"]
        )
        for edge in one["edges"]
    }
    drawn = map_picture.draw(nodes, arrows, _("Map of the process")) if one["edges"] else ""
    rows = [{"source": words.step(names, edge["source"]), "target": words.step(names, edge["target"]),
             "count": words.number(edge["count"]), "median": words.duration(edge["median_s"]),
             "ninth": words.duration(edge["ninth_s"])} for edge in one["edges"]]  # fmt: skip
    return {"picture": _safe(drawn), "rows": rows, "few": one["few"], "left_out": one["left_out"], "key": _key(one)}


def _arrow_words(edge: Mapping[str, Any], slow: float) -> str:
    """How often, and after how long; where much time passes, the long tail is said, too."""
    count, median = words.number(edge["count"]), words.duration(edge["median_s"])
    if edge["median_s"] is None:
        return count
    if 0 < slow <= edge["hours"]:
        return _("{count} · {median} – {ninth}").format(
            count=count, median=median, ninth=words.duration(edge["ninth_s"])
        )
    return f"{count} · {median}"


def ways(found: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The variants with their bars."""
    cases, variants = found["figures"]["cases"], found["variants"]
    most = max((one["cases"] for one in variants["rows"]), default=1)
    rows = [
        {"cases": words.number(one["cases"]), "share": words.share(one["cases"], cases),
         "bar": round(100 * one["cases"] / most, 1), "median": words.duration(one["median_s"]),
         "ninth": words.duration(one["ninth_s"]), "size": len(one["steps"]),
         "steps": [(words.short(names[step]), names[step]) for step in one["steps"]]}
        for one in variants["rows"]
    ]  # fmt: skip
    return {
        "rows": rows,
        "others": words.number(variants["others"]),
        "other_cases": words.number(variants["other_cases"]),
        "other_share": words.share(variants["other_cases"], cases),
        "has_others": bool(variants["others"]),
    }


def waiting(found: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Where the time goes: in all, and by step."""
    one = found["waiting"]
    parts = [(key, _(title), one[f"{key}_h"] or 0.0) for key, title in PARTS.items()]
    whole = sum(value for *_rest, value in parts)
    longest = max((sum(row[f"{key}_h"] or 0 for key in PARTS) for row in one["steps"]), default=1) or 1
    rows = [
        {"step": names[row["step"]], "cases": words.count(row["cases"]), "median": words.duration(row["median_s"]),
         "ninth": words.duration(row["ninth_s"]),
         "hours": words.hours(None if row["queue_h"] is None else sum(row[f"{key}_h"] for key in PARTS)),
         "bars": _bars([row[f"{key}_h"] or 0 for key in PARTS], longest)}
        for row in one["steps"] if row["cases"] is not None and any(row[f"{key}_h"] for key in PARTS)
    ]  # fmt: skip
    return {
        "parts": [{"key": key, "title": title, "hours": words.hours(value), "share": words.share(value, whole)}
                  for key, title, value in parts if value or key != "outside"],
        "bars": _bars([value for *_rest, value in parts], whole or 1), "rows": rows, "whole": words.hours(whole),
        "known": words.share(one["known"], one["of"]), "none_known": not one["known"], "short": one["short_min"],
        "few": sum(1 for row in one["steps"] if row["cases"] is None),
    }  # fmt: skip


def _bars(values: Sequence[float], whole: float) -> list[tuple[str, float, float]]:
    """Class, beginning and length of the pieces of a bar of a hundred."""
    drawn, at = [], 0.0
    for key, value in zip(PARTS, values, strict=True):
        wide = 100 * value / whole
        drawn.append((key, round(at, 2), round(wide, 2)))
        at += wide
    return drawn


def bottlenecks(found: Mapping[str, Any], names: Sequence[str]) -> list[dict[str, Any]]:
    """The passes that take the most time."""
    return [
        {
            "source": names[one["source"]],
            "target": names[one["target"]],
            "hours": words.hours(one["hours"]),
            "share": words.share(one["share"], 1),
            "bar": round(100 * one["share"], 1),
            "count": words.number(one["count"]),
            "cases": words.number(one["cases"]),
            "median": words.duration(one["median_s"]),
            "ninth": words.duration(one["ninth_s"]),
        }
        for one in found["bottlenecks"][:10]
    ]


def rework(found: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Steps that are done again, and to and fro between two."""
    one = found["rework"]
    steps = [
        {
            "step": names[row["step"]],
            "cases": words.number(row["cases"]),
            "share": words.share(row["cases"], one["of"]),
            "times": words.number(row["times"]),
            "at_once": words.number(row["at_once"]),
            "hours": words.hours(row["hours"]),
            "median": words.duration(row["median_s"]),
        }
        for row in one["steps"]
    ]
    return {"steps": steps, "few": one["few_steps"], "pairs": _pairs(one["pairs"], names)}


def _pairs(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            "one": names[row["one"]],
            "other": names[row["other"]],
            "times": words.number(row["times"]),
            "cases": words.number(row["cases"]),
            "hours": words.hours(row["hours"]),
            "median": words.duration(row["median_s"]),
        }
        for row in rows
    ]


def handovers(found: Mapping[str, Any]) -> dict[str, Any]:
    """The matrix of offices, shaded by the share of the largest cell."""
    one, names = found["handovers"], found["offices"]
    largest = max((cell for row in one["cells"] for cell in row if cell), default=1)
    rows = [
        {"office": names[office], "cells": [
            {"words": words.number(cell) if cell else "" if cell == 0 else _("few"), "is_own": at == column,
             "shade": 0 if not cell else 1 + min(3, int(4 * cell / largest)),
             "median": words.duration(one["medians"][at][column]) if cell else ""}
            for column, cell in enumerate(cells)]}
        for at, (office, cells) in enumerate(zip(one["offices"], one["cells"], strict=True))
    ]  # fmt: skip
    passes = one["known"] + one["unknown"]
    return {"heads": [names[office] for office in one["offices"]], "rows": rows, "others": one["others"],
            "across": words.number(one["across"]), "known": words.number(one["known"]),
            "unknown": words.number(one["unknown"]), "unknown_share": words.share(one["unknown"], passes),
            "returns": _pairs(one["returns"], names)}  # fmt: skip


def offices(found: Mapping[str, Any], names: Sequence[str]) -> list[dict[str, Any]]:
    """Steps that several offices do, by office, as they are."""
    return [
        {"step": names[row["step"]], "offices": [
            {"office": found["offices"][one["office"]], "cases": words.number(one["cases"]),
             "median": words.duration(one["median_s"]), "ninth": words.duration(one["ninth_s"])}
            for one in row["offices"]]}
        for row in found["office_times"]
    ]  # fmt: skip


def limits(found: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any] | None:
    """Cases over their limit."""
    one = found["limits"]
    if one is None:
        return None
    nothing = _("nothing more in this log")
    return {
        "words": one["words"], "cases": words.number(one["cases"]), "late": words.count(one["late"]),
        "share": words.share(one["late"], one["cases"]), "without": words.number(one["without"]),
        "has_without": bool(one["without"]), "median": words.duration(one["median_s"]),
        "ninth": words.duration(one["ninth_s"]),
        "waited": [{"step": nothing if row["step"] < 0 else names[row["step"]], "cases": words.count(row["cases"])}
                   for row in one["waited"] if row["cases"] is not None],
        "by": [{"name": name, "rows": [
            {"label": row["label"], "cases": words.number(row["cases"]), "late": words.count(row["late"]),
             "share": words.share(row["late"], row["cases"])} for row in rows]} for name, rows in one["by"].items()],
    }  # fmt: skip


def conformance(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """How far the log follows the model that was given."""
    one = found["conformance"]
    if one is None:
        return None
    return {
        "model": one["model"], "fitting": words.count(one["fitting"]), "played": words.number(one["played"]),
        "share": words.share(one["fitting"], one["played"]), "allowed": words.share(one["allowed"], one["steps"]),
        "unfinished": words.count(one["unfinished"]), "unknown": one["unknown"],
        "not_allowed": [{"step": row["step"], "cases": words.count(row["cases"])} for row in one["not_allowed"]],
    }  # fmt: skip


def findings(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was found in the data, with the rule that was followed."""
    return [
        {"title": _(FINDINGS[one["code"]][0]), "rule": _(FINDINGS[one["code"]][1]), "count": words.number(one["count"]),
         "of": words.number(one["of"]), "unit": _(UNITS_OF.get(one["code"], "events")), "what": one["what"]}
        for one in found["findings"] if one["code"] in FINDINGS
    ]  # fmt: skip


def _safe(drawn: str) -> SafeString:
    return mark_safe(drawn)  # noqa: S308 - drawn, and escaped, by ourselves
