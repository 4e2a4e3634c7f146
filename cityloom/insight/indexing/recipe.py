"""The recipe of an index as prose: each step in a sentence, with the digest of what it left."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from cityloom.insight.domain.study.study import Step
from cityloom.insight.indexing.looking import Look

Given = Mapping[str, Any]


def told(look: Look) -> list[dict[str, Any]]:
    """Each step of the study: its name, a sentence, what it was given, its rows and its digest."""
    return [{
        "name": one.name, "said": said(one, look), "rows": one.table.rows, "digest": one.table.digest(),
    } for one in look.study.steps]  # fmt: skip


def said(step: Step, look: Look) -> str:
    """A step in a sentence; its own name where nobody wrote one."""
    known = _SAID.get(step.name)
    return known(look) if known else step.name


def _structure(look: Look) -> str:
    said_ = _("The framework {title} (version {version}) has {indicators} indicators and {aggregates} aggregates.")
    return said_.format(title=look.title, version=look.base.framework.version or "–",
                        indicators=look.base.tree.indicators, aggregates=len(look.base.tree.children))  # fmt: skip


def _units(look: Look) -> str:
    least = look.base.framework.recipe.screen.least
    kept = len(look.base.index.kept)
    if least > 0:
        return _("{kept} rows are kept: of each at least {least} of the indicators are known.").format(
            kept=kept, least=_share(least))  # fmt: skip
    return _("{kept} rows are kept, whatever share of their indicators is known.").format(kept=kept)


def _filled(look: Look) -> str:
    rule = look.base.framework.recipe.impute
    ways = {
        "mean": _("the mean of all units"), "median": _("the median of all units"),
        "group-mean": _("the mean of the unit's group ({group})"),
        "group-median": _("the median of the unit's group ({group})"),
        "regression": _("a regression on the indicators that go with it most"),
        "carry": _("the unit's latest earlier value"),
    }  # fmt: skip
    way = ways.get(rule.method, rule.method).format(group=rule.group)
    return _("{count} values that are not known are filled in by {way}.").format(
        count=int(look.base.index.imputed.sum()), way=way)  # fmt: skip


def _treated(look: Look) -> str:
    rule = look.base.framework.recipe.treat
    count = sum(one.method != "none" for one in look.base.index.treatments)
    if rule.first == "none" and rule.then == "none":
        return _("Outliers are not treated, but for {count} indicators that ask for it.").format(count=count)
    return _("An indicator whose skewness reaches {skew} and whose kurtosis reaches {kurtosis} is treated: its "
             "outermost values are drawn in ({most} at most), else it is transformed ({then}). That was done to "
             "{count} indicators.").format(skew=rule.skew, kurtosis=rule.kurtosis, most=rule.most, then=rule.then,
                                   count=count)  # fmt: skip


def _normalised(look: Look) -> str:
    rule = look.base.framework.recipe.normalise
    own = sum(one.normal is not None for one in look.base.framework.indicators)
    return _("Indicators are brought to one scale by {method} ({given}); {own} have a way of their own.").format(
        method=rule.method, given=_plain(rule.given), own=own)  # fmt: skip


def _weights(look: Look) -> str:
    return _("Weights among siblings are made so: {method}. They are shared out anew over the children that are "
             "known.").format(method=look.base.framework.recipe.weight.method)  # fmt: skip


def _scores(look: Look) -> str:
    ways = look.base.framework.ways
    counts = ", ".join(f"{way} ({ways.count(way)})" for way in dict.fromkeys(ways))
    return _("Aggregates are means of their children: {ways}.").format(ways=counts)


def _plain(given: Given) -> str:
    return ", ".join(f"{name} {json.dumps(value, ensure_ascii=False)}" for name, value in given.items()) or "–"


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"


_SAID: Mapping[str, Callable[[Look], str]] = {
    "structure": _structure,
    "units": _units,
    "raw": lambda _look: _("Values as they were given."),
    "denominated": lambda _look: _("Indicators with a denominator are divided by it."),
    "imputed": lambda _look: _("Which values were filled in."),
    "filled": _filled,
    "treatments": lambda _look: _("What was done to each indicator's outliers, with skewness and kurtosis "
                                  "before and after."),
    "treated": _treated,
    "directed": lambda _look: _("Indicators of which less is better are turned round."),
    "normalised": _normalised,
    "weights": _weights,
    "scores": _scores,
    "ranking": lambda _look: _("Ranks are those of unrounded scores; equal scores share the better rank."),
    "summary": lambda _look: _("How much there is of all of it."),
}  # fmt: skip
