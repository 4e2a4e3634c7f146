"""What arrives in the city's folder, what was loaded from it, and what was refused and why."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cityloom.registers import actions
from cityloom.registers.display import ARRIVAL_STATES


@require_safe
def folder(request: HttpRequest) -> HttpResponse:
    """The folder's files, those that need somebody first."""
    facts = actions.folder_state(Path(settings.CITYLOOM["INBOX_DIR"]))
    parts = [(state, _(word), facts.counts.get(state, 0), [one for one in facts.arrivals if one.state == state])
             for state, word in ARRIVAL_STATES.items()]  # fmt: skip
    parts.sort(key=lambda part: ("refused", "work", "waiting", "done").index(part[0]))
    return render(request, "registers/folder.html", {"facts": facts, "parts": parts})
