"""The living page of the design language: each part as it looks, and the template that it is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.template.loader import get_template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from cityloom.ui.charts import Chart, Series

COLOURS = {
    "paper": gettext_noop("the page"), "card": gettext_noop("cards, heads and sides"),
    "tint": gettext_noop("what is marked quietly"), "ink": gettext_noop("words"),
    "quiet": gettext_noop("words that come second"), "line": gettext_noop("lines between"),
    "edge": gettext_noop("edges of fields"), "link": gettext_noop("links"),
    "action": gettext_noop("what is done next"), "good": gettext_noop("as it should be"),
    "wait": gettext_noop("somebody is waited for"), "danger": gettext_noop("wrong, late or dangerous"),
    "exercise": gettext_noop("a drill, and the focus"), "synthetic": gettext_noop("made-up data"),
    **{f"series-{which}": gettext_noop("series of charts, in this order") for which in range(1, 7)},
}  # fmt: skip
_PARTS = (
    ("card", gettext_noop("Cards"), gettext_noop("One matter each; `columns` puts what is read beside what is done.")),
    ("buttons", gettext_noop("Buttons"),
     gettext_noop("One main button a form. What cannot be done stays visible and says why.")),
    ("states", gettext_noop("States"),
     gettext_noop("A word, a shape and a colour say the same: ring, disc, half a disc, triangle.")),
    ("figures", gettext_noop("Key figures"),
     gettext_noop("The value, its line, and what is counted. A figure that is missing says why.")),
    ("bar", gettext_noop("Chart: bars"), gettext_noop("Drawn by the server; behind each chart is its table.")),
    ("line", gettext_noop("Chart: lines"), gettext_noop("Lines differ in their dashes too; a gap stays a gap.")),
    ("stacked", gettext_noop("Chart: stacked"), gettext_noop("Parts of a whole, the first one at the bottom.")),
    ("table", gettext_noop("Tables"),
     gettext_noop("With a caption and row heads; what is too wide scrolls by itself, for a keyboard too.")),
    ("stack", gettext_noop("Tables for residents"), gettext_noop("On a phone each row becomes a block.")),
    ("form", gettext_noop("Forms"),
     gettext_noop("What is wrong stands first, takes the focus and leads to each field. Send it empty to see.")),
    ("confirm", gettext_noop("Confirmation"),
     gettext_noop("Before something that is hard to take back a page says what will happen. Two clicks have one"
                  " effect.")),
    ("timeline", gettext_noop("Timeline"), gettext_noop("What happened, the first at the top.")),
    ("board", gettext_noop("Board"), gettext_noop("States side by side; below each other on a phone.")),
    ("tabs", gettext_noop("Tabs"), gettext_noop("Links to views of one page; each has an address of its own.")),
    ("pages", gettext_noop("Pages of a list"), gettext_noop("What was searched for stays in the address.")),
    ("progress", gettext_noop("Progress"), gettext_noop("The words say the same as the bar.")),
    ("messages", gettext_noop("Messages"),
     gettext_noop("What has just happened, or has to be known first; a refusal says what to do instead.")),
    ("empty", gettext_noop("Empty states"), gettext_noop("Nothing there is an answer too; it says what would come.")),
    ("crumbs", gettext_noop("The way here"), gettext_noop("For pages below a page.")),
    ("instants", gettext_noop("Dates and times"),
     gettext_noop("In the city's zone, which the foot of each page names; the offset is in the title.")),
    ("map", gettext_noop("Map frame"), gettext_noop("Inside stands in words what the map would show.")),
)  # fmt: skip


class ExampleForm(forms.Form):
    """A form to try the summary of errors with."""

    street = forms.CharField(label=gettext_lazy("Street"), max_length=80,
                             help_text=gettext_lazy("As it is written on the sign."))  # fmt: skip
    number = forms.IntegerField(label=gettext_lazy("House number"), min_value=1, max_value=9999)
    how = forms.ChoiceField(
        label=gettext_lazy("How may we answer?"), widget=forms.RadioSelect,
        choices=[("mail", gettext_lazy("By e-mail")), ("none", gettext_lazy("Not at all"))],
    )  # fmt: skip
    agreed = forms.BooleanField(label=gettext_lazy("I have read what happens with it"))


@dataclass(frozen=True)
class Part:
    """A part of the language on its page."""

    key: str
    title: str
    words: str
    shown: SafeString
    source: str


def parts(request: HttpRequest, form: forms.Form) -> Iterator[Part]:
    """Each part, drawn with examples."""
    context = {"example": _examples(form)}
    for key, title, words in _PARTS:
        template = get_template(f"ui/parts/{key}.html")
        yield Part(key, title, words, template.render(context, request), Path(template.origin.name).read_text())


def _examples(form: forms.Form) -> dict[str, Any]:
    at = datetime(2026, 6, 3, 1, 2, 7, tzinfo=UTC)
    days = [f"06-{day:02}" for day in range(1, 11)]
    districts = [_("Harbour"), _("Old town"), _("Hills"), _("River bend")]
    return {
        "form": form, "at": at, "later": at + timedelta(minutes=4),
        "series": [91, 92, 92, 95, 94, 93, 94, 96, 95, 94], "fewer": [3, 3, 4, 6, 5, 6, 7],
        "page": Paginator(range(200), 10).page(4),
        "bar": Chart(_("Reports by district"), districts, [Series(_("Reports"), [12, 31, 7, 18])],
                     first_column=_("District")),
        "line": Chart(_("Pressure at two stations"), days, [
            Series(_("Station 1"), [4.1, 4.2, 4.0, 3.9, None, None, 4.2, 4.3, 4.1, 4.2]),
            Series(_("Station 2"), [3.6, 3.5, 3.6, 3.4, 3.2, 3.1, 3.3, 3.5, 3.6, 3.6]),
        ], "line", "bar", _("Day")),
        "stacked": Chart(_("Tasks by state"), days[:6], [
            Series(_("done"), [4, 9, 14, 22, 30, 41]), Series(_("accepted"), [8, 7, 9, 12, 9, 3]),
            Series(_("waiting"), [12, 9, 6, 4, 2, 0]),
        ], "stacked", first_column=_("Day")),
    }  # fmt: skip
