"""The drill that is on, above every page."""

from __future__ import annotations

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import SafeString

from cityloom.drills import queries
from cityloom.drills.views.page import bar_of


def running_drill(request: HttpRequest) -> dict[str, object]:
    """The bar that says that a drill is on, for people who work here; asked for when a page shows it."""
    return {"drill_bar": SimpleLazyObject(lambda: _bar(request))}


def _bar(request: HttpRequest) -> SafeString:
    running = queries.running()
    return render_to_string("drills/_bar_frame.html", {"bar": bar_of(running) if running else None}, request=None)
