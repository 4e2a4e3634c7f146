"""Two units of an index beside each other: why one is above the other, indicator by indicator, adding up exactly."""

from __future__ import annotations

from math import fsum
from typing import Any

import numpy as np
from django.utils.translation import gettext_noop

from cityloom.insight.domain.index_audit import difference
from cityloom.insight.domain.study.blocks import Block, ChartOf, Number, Says, Shown
from cityloom.insight.domain.study.study import Cell, Step, Study
from cityloom.insight.domain.study.tables import table
from cityloom.insight.indexing.looking import Address, Look
from cityloom.insight.studies import index_differences
from cityloom.insight.telling import words

_STEP = "why"


def told(look: Look, one: int, other: int) -> tuple[Study, list[Block]]:
    """The study with the contributions as a step, and what is told of them; the higher unit comes first."""
    if look.base.items[one, -1] < look.base.items[other, -1]:
        one, other = other, one
    apart = float(look.base.items[one, -1] - look.base.items[other, -1])
    names = {"one": look.names[one], "other": look.names[other]}
    pair = Step("pair", table("figure", figure=["difference", "certain"], value=[apart, _certain(look, one, other)]))
    said: list[Block] = [Says(gettext_noop("{one} is above {other} by {difference}."),
                              {"difference": _figure("difference", places=3)}, names, "answer")]  # fmt: skip
    if look.sure:
        said.append(Says(gettext_noop("{one} is above {other} in {certain} of the runs with other choices as good."),
                         {"certain": _figure("certain", "percent", 0)}, names))  # fmt: skip
    if not index_differences.is_exact(look.base):
        said.append(Says(gettext_noop("An aggregate is made by counting wins, so that contributions are means over "
                                      "{orders} drawn orders: they add up, but each is an estimate."),
                         {}, {"orders": str(index_differences.ORDERS)}, "doubt"))  # fmt: skip
    shares = index_differences.split(look.base, one, other)
    three = [look.titles[at] for at in difference.deciding(shares)]
    said.append(Says(gettext_noop("Three indicators decide it most: {three}."), {}, {"three": "; ".join(three)}))
    said.append(ChartOf(gettext_noop("What each indicator contributes to the difference"), _STEP, "bar", "title",
                        "contribution", x_title=gettext_noop("Indicator"), y_title=gettext_noop("Contribution"),
                        sort="-size", most=20))  # fmt: skip
    size = look.base.tree.indicators
    order = np.argsort(-np.abs(np.nan_to_num(shares)), kind="stable")
    step = Step(_STEP, table("item", item=[look.base.codes[at] for at in order],
                             title=[look.titles[at] for at in order], contribution=shares[order],
                             size=np.abs(shares[order]), value=look.base.items[one, :size][order],
                             other_value=look.base.items[other, :size][order]))  # fmt: skip
    return look.with_steps(pair, step), said


def rows(look: Look, study: Study, one: int, other: int, address: Address) -> dict[str, Any]:
    """All contributions, the largest first, and their sum."""
    if look.base.items[one, -1] < look.base.items[other, -1]:
        one, other = other, one
    found, places = study.step(_STEP).table, Shown("", "", places=2)
    rows_ = [{
        "code": code, "title": title,
        "value": words.said(float(value), places), "url": address(Cell("normalised", look.row(one), code)),
        "other": words.said(float(second), places), "other_url": address(Cell("normalised", look.row(other), code)),
        "contribution": words.said(float(share), Shown("", "", places=4)), "for_it": share > 0,
    } for code, title, value, second, share in zip(found["item"], found["title"], found["value"], found["other_value"],
                                                   found["contribution"], strict=True)]  # fmt: skip
    return {"rows": rows_, "one": look.names[one], "other": look.names[other],
            "sum": words.said(fsum(found["contribution"].tolist()), Shown("", "", places=4))}  # fmt: skip


def _certain(look: Look, one: int, other: int) -> float:
    return float(look.sure.probability[one, other]) if look.sure else float("nan")


def _figure(name: str, form: str = "decimal", places: int = 1) -> Number:
    return Number(Cell("pair", (name,), "value"), form, places)  # type: ignore[arg-type]
