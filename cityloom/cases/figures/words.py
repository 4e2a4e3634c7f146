"""What figures of cases are called, and what they count, for a page."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

from cityloom.cases.display import FORMULAS

__all__ = ["DIMENSIONS", "FORMULAS", "LABELS", "OUTSIDE"]
LABELS = {
    "counted": _("counted"), "not-counted": _("not counted"), "exercise": _("left out: a drill"),
    "made-up": _("left out: made up"), "joined": _("left out: joined with another case"),
    "withdrawn": _("left out: withdrawn"), "no-limit": _("left out: without a limit"),
    "within-time": _("left out: under way, still in time"), "not-done": _("left out: not done yet"),
    "nobody-to-ask": _("left out: nobody to ask"), "silent": _("left out: no answer"),
    "no-place": _("left out: without a place"), "too-soon": _("left out: 90 days are not over"),
}  # fmt: skip
DIMENSIONS = {"unit": _("Unit"), "category": _("Category"), "month": _("Month"), "origin": _("Origin")}
OUTSIDE = {"": _("as chance would have it"), "near": _("beyond 95 %"), "far": _("beyond 99.8 %")}
