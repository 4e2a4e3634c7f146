"""Comparisons of a configuration in the words of Splink."""

from __future__ import annotations

from typing import Any

from cityloom.registers.domain.linkage import Model
from cityloom.registers.domain.linkage_config import Comparison, Condition, Config, Level
from cityloom.registers.linkage import reached_sql
from cityloom.registers.linkage.cleaning import column

_RAREST = 1e-6
_PART_OF = {"sound": "sound", "shared": "words"}
_SQL = {
    "same": "{l} = {r}",
    "sound": "{l} = {r}",
    "alike": "jaro_winkler_similarity({l}, {r}) >= {limit}",
    # a transposition is two edits to Levenshtein, which takes a sixth of the time
    "edits": "CASE WHEN levenshtein({l}, {r}) > 2 * {limit:.0f} THEN false "
             "ELSE damerau_levenshtein({l}, {r}) <= {limit:.0f} END",
    "start": "left({l}, 1) = left({r}, 1) AND (starts_with({l}, {r}) OR starts_with({r}, {l}))",
    "shared": "len(list_intersect({l}, {r})) / greatest(least(len({l}), len({r})), 1)::DOUBLE >= {limit}",
    "reordered": "left({l}, 4) = left({r}, 4) AND substr({l}, 5, 2) = substr({r}, 7, 2) "
                 "AND substr({l}, 7, 2) = substr({r}, 5, 2)",
    "swapped": "{l} = {n}__other_r AND {n}__other_l = {r}",
}  # fmt: skip
_SAME_SIGNS = "coalesce({0}__han_l = {0}__han_r, true)"
"""Names in Chinese signs are the same only if the signs are; one in Latin letters is compared by its letters."""


def compared(config: Config, parts: frozenset[str]) -> list[Comparison]:
    """The comparisons that have anything to compare."""
    return [one for one in config.comparisons if parts & one.parts]


def splink_comparison(
    one: Comparison, parts: frozenset[str], model: Model, config: Config, *, frequencies: bool
) -> dict[str, Any]:  # fmt: skip
    """A comparison with what is believed of its levels; with `frequencies` rare values speak for more."""
    levels: list[dict[str, Any]] = [{"sql_condition": _missing_sql(one), "label_for_charts": "missing",
                                     "is_null_level": True}]  # fmt: skip
    for place, (level, (m, u)) in enumerate(zip(one.levels, model.chances[one.name], strict=True)):
        says = {"sql_condition": _level_sql(level, parts, config), "label_for_charts": f"{place} {level.words}",
                "m_probability": m, "u_probability": u}  # fmt: skip
        if level.by_frequency and frequencies:
            says |= {"tf_adjustment_column": column(level.conditions[0].parts[0]), "tf_adjustment_weight": 1.0,
                     "tf_minimum_u_value": _RAREST, "disable_tf_exact_match_detection": True}  # fmt: skip
        levels.append(says)
    return {"output_column_name": one.name, "comparison_levels": levels}


def _missing_sql(one: Comparison) -> str:
    if one.reaching:
        return reached_sql.neutral(one.reaching)
    missing = column(one.name)
    return f"{missing}_l IS NULL OR {missing}_r IS NULL"


def _level_sql(level: Level, parts: frozenset[str], config: Config) -> str:
    if not level.conditions:
        return "ELSE"
    if not all(_needed(one) in parts for one in level.conditions):
        return "1 = 0"
    return " AND ".join(f"({_condition_sql(one, config)})" for one in level.conditions)


def _needed(one: Condition) -> str:
    """The part that has to have values."""
    if one.kind == "reaches":
        return f"{one.parts[0].partition('.')[0]}.whole"
    part = "other" if one.kind == "swapped" else _PART_OF.get(one.kind)
    return f"{one.parts[0]}.{part}" if part else one.parts[0]


def _condition_sql(one: Condition, config: Config) -> str:
    if one.kind == "reaches":
        return reached_sql.reached(one.parts[0])
    name = column(one.parts[0] if one.kind == "swapped" else _needed(one))
    sql = _SQL[one.kind].format(l=f"{name}_l", r=f"{name}_r", n=name, limit=one.limit)
    if one.kind == "same" and config.columns.get(one.parts[0]) == "name":
        sql += " AND " + _SAME_SIGNS.format(name)
    return sql
