"""The parts that pages are made of; /ui/ shows each with how it is written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import template
from django.core.paginator import Page
from django.forms import BaseForm, BoundField
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from django.utils.translation import gettext

from cityloom.kernel import ids
from cityloom.ui import charts, timechart
from cityloom.ui.once import FIELD

register = template.Library()


@register.simple_tag
def once() -> SafeString:
    """A word of this page's own, for a form whose view is `only_once`."""
    return format_html('<input type="hidden" name="{}" value="{}">', FIELD, ids.random_token())


@register.simple_block_tag
def scrolling(content: SafeString, label: str) -> SafeString:
    """Something wide that scrolls by itself, for a keyboard too; `label` names it."""
    return format_html('<div class="scroll" role="group" aria-label="{}" tabindex="0">{}</div>', label, content)


@register.simple_tag
def instant(at: datetime | None, style: str = "minute") -> SafeString:
    """A moment in the city's zone, to the minute or the `second`, with its offset for whoever points at it.

    Residents read `words`, as they would write a day themselves.
    """
    if at is None:
        return mark_safe("–")
    local = localtime(at)
    # Translators: how a day and a time are written in a sentence, in the letters of Django's `date` filter
    formats = {"second": "Y-m-d H:i:s", "words": gettext("j F Y, H:i")}
    words = date_format(local, formats.get(style, "Y-m-d H:i"))
    offset = local.strftime("%z")
    full = f"{date_format(local, 'Y-m-d H:i:s')} (UTC{offset[:3]}:{offset[3:]})"
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(timespec="seconds"), full, words)


@register.simple_tag
def sparkline(series: Sequence[Any]) -> SafeString:
    """A line of values, or of (instant, value); empty where there are fewer than two."""
    values = [one[1] if isinstance(one, tuple) else one for one in series or ()]
    return mark_safe(charts.sparkline(values))  # noqa: S308  made of numbers only


@register.inclusion_tag("ui/_key_figure.html")
def key_figure(
    label: str, value: float | str | None, *, unit: str = "", definition: str = "", series: Sequence[Any] = (),
    state: str = "", note: str = "", url: str = "", why_none: str = "",
) -> dict[str, Any]:  # fmt: skip
    """A figure with its line, and what it counts."""
    words = value if isinstance(value, str) else charts.number(value)
    return {
        "label": label, "words": words, "unit": unit, "definition": definition, "series": series, "state": state,
        "note": note, "url": url, "why_none": why_none if value is None else "",
    }  # fmt: skip


@register.inclusion_tag("ui/_chart.html")
def chart(chart: charts.Chart) -> dict[str, Any]:
    """A chart with its legend and the table behind it."""
    pictures = [
        (name, mark_safe(charts.draw(chart, width=width)))  # noqa: S308  drawn, and escaped, by ourselves
        for name, width in (("slim", charts.NARROW), ("broad", charts.WIDE))
    ]
    legend = [(f"s{which % 6 + 1}", series.label) for which, series in enumerate(chart.series)]
    return {"chart": chart, "pictures": pictures, "legend": legend if len(legend) > 1 else []}


@register.inclusion_tag("ui/_time_chart.html")
def time_chart(chart: timechart.TimeChart) -> dict[str, Any]:
    """Readings over time with what is usual, and the table behind them."""
    pictures = [
        (name, mark_safe(timechart.draw(chart, width=width)))  # noqa: S308  drawn, and escaped, by ourselves
        for name, width in (("slim", charts.NARROW), ("broad", charts.WIDE))
    ]
    return {"chart": chart, "pictures": pictures, "rows": chart.rows()}


@register.inclusion_tag("ui/_errors.html")
def errors(form: BaseForm) -> dict[str, Any]:
    """What is wrong with a form, with a way to each field; nothing where all is well."""
    wrong = [(field, field.errors) for field in form if field.errors] if form.is_bound else []
    return {"general": form.non_field_errors() if form.is_bound else [], "wrong": wrong}


@register.inclusion_tag("ui/_field.html")
def field(bound: BoundField) -> dict[str, Any]:
    """A field with its label, its hint and what is wrong with it."""
    kind = getattr(bound.field.widget, "input_type", "")
    is_group = kind in ("radio", "checkbox") and hasattr(bound.field, "choices")
    return {"field": bound, "is_group": is_group, "is_tick": kind == "checkbox" and not is_group}


@register.inclusion_tag("ui/_fields.html")
def fields(form: BaseForm) -> dict[str, Any]:
    """All fields of a form, in their order."""
    return {"form": form}


@register.inclusion_tag("ui/_pages.html", takes_context=True)
def pages(context: dict[str, Any], page: Page[Any], name: str = "page") -> dict[str, Any]:
    """Ways to the pages of a long list; what was searched for stays."""
    asked = context["request"].GET.copy()
    asked.pop(name, None)
    known = page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
    return {"page": page, "numbers": list(known), "start": f"{asked.urlencode()}&{name}=".lstrip("&")}


@register.inclusion_tag("ui/_crumbs.html")
def crumbs(*pairs: str) -> dict[str, Any]:
    """The way here: words and address in turns, then the words of this page."""
    steps = list(zip(pairs[:-1:2], pairs[1::2], strict=True))
    return {"steps": steps, "here": pairs[-1] if len(pairs) % 2 else ""}
