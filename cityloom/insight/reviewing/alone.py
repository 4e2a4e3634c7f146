"""A review as one file of HTML, to be sent or printed; nothing in it is asked for elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import mark_safe

from cityloom.insight.reviewing.telling import shown

_PACKAGE = Path(__file__).resolve().parents[2]
_SHEETS = ("ui/static/ui/cityloom.css", "insight/static/insight/review.css")


def as_page(review: Mapping[str, Any], language: str = "en", level: str = "") -> str:
    """The page of a review, with its sheets in it."""
    sheet = "\n".join((_PACKAGE / one).read_text("utf-8") for one in _SHEETS)
    with translation.override(language):
        context = shown(review, level) | {"is_alone": True, "language": language}
        return render_to_string("insight/alone.html", context | {"sheet": mark_safe(sheet)})  # noqa: S308 - our own
