"""A page that says what will happen before something that is hard to take back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

CONFIRMED = "confirmed"


@dataclass(frozen=True)
class Question:
    """What is about to be done, what follows from it, and the words on the two ways on."""

    title: str
    consequences: Sequence[str]
    go: str
    back_url: str
    warning: str = ""
    is_dangerous: bool = True


def asked(request: HttpRequest, question: Question) -> HttpResponse | None:
    """The page that asks, with everything that was sent; None where the answer is in what was sent."""
    if request.POST.get(CONFIRMED) == "yes":
        return None
    hidden = [(CONFIRMED, "yes")]
    left_out = {"csrfmiddlewaretoken", "once", CONFIRMED}
    hidden += [(name, value) for name in request.POST if name not in left_out for value in request.POST.getlist(name)]
    return render(request, "ui/confirm.html", {"question": question, "hidden": hidden, "action": request.path})
