"""A worker's own task."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cityloom.accounts import queries as accounts
from cityloom.bus import queries as bus
from cityloom.fieldwork import actions, queries

_STEPS = {"accept": actions.accept, "finish": actions.finish, "unable": actions.unable}


@require_safe
def task(request: HttpRequest, task_id: str) -> HttpResponse:
    """Where to go and what is needed; each time this page is shown, the opening is logged."""
    actor = accounts.as_actor(request.user)  # type: ignore[arg-type]
    sheet = actions.open_my_task(by=actor, at=_now(task_id), task_id=task_id)
    return render(request, "fieldwork/task.html", {"sheet": sheet, "task": sheet.task})


@require_POST
def move(request: HttpRequest, task_id: str, step: str) -> HttpResponse:
    """Say that one is on the way, that it is done, or that it could not be done."""
    if step not in _STEPS:
        raise Http404
    _STEPS[step](by=accounts.as_actor(request.user), at=_now(task_id), task_id=task_id)  # type: ignore[arg-type]
    if step == "accept":
        return redirect("task", task_id)
    messages.success(request, _("The task has ended, and with it your access to what was opened for it."))
    return redirect("front")


def _now(task_id: str) -> datetime:
    """What time it is where the task belongs: an exercise may have its own clock."""
    return bus.now_in(queries.exercise_of(task_id))
