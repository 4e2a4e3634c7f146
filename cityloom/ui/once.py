"""One effect for a form, however often its button is pressed."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.ui.models import SentForm

FIELD = "once"
_WORD = re.compile(r"[A-Za-z0-9_-]{20,43}")
_KEPT = timedelta(days=1)
_PATIENCE_S, _LOOK_S = 5.0, 0.05

View = Callable[..., HttpResponse]


def only_once(view: View) -> View:
    """Run a view once for each page that carried `{% once %}`; later clicks are led where the first one led.

    A view that shows its form again, or fails, has had no effect: the same page may be sent again, and a second click
    that waited for it is answered by the view itself, with what was typed and why it was not taken.
    """

    @functools.wraps(view)
    def once(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        word = word_of(request)
        if not word:
            return view(request, *args, **kwargs)
        if not _claim(word) and (address := _answer_to(word)):
            return HttpResponseRedirect(address)
        try:
            response = view(request, *args, **kwargs)
        except BaseException:
            _release(word)
            raise
        if response.status_code in (301, 302, 303):
            SentForm.objects.filter(id=word).update(leads_to=response.headers["Location"][:2000])
        else:
            _release(word)
        return response

    return once


def word_of(request: HttpRequest) -> str:
    """The word of the page that was sent; "" for one without."""
    word = request.POST.get(FIELD, "") if request.method == "POST" else ""
    return word if _WORD.fullmatch(word) else ""


def _claim(word: str) -> bool:
    now = clock.now()
    SentForm.objects.filter(at__lt=now - _KEPT).delete()
    try:
        with transaction.atomic():
            SentForm.objects.create(id=word, at=now)
    except IntegrityError:
        return False
    return True


def _release(word: str) -> None:
    SentForm.objects.filter(id=word).delete()


def _answer_to(word: str) -> str:
    """Where the first click led, which may still be on its way; "" where it came to nothing, and it is our turn.

    Raises: Refused `ui.sent_twice`.
    """
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        first = SentForm.objects.filter(id=word).first()
        if first is not None and first.leads_to:
            return first.leads_to
        if first is None and _claim(word):
            return ""
        time.sleep(_LOOK_S)
    raise Refused("ui.sent_twice", "This was sent twice, and the first one is still being done: look in a moment.")
