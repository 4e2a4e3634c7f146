"""Pages that are the same for every stranger: made once, handed out for some seconds."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.utils.translation import get_language

from cityloom.kernel import ids
from cityloom.ui.context import theme_of
from cityloom.ui.once import FIELD

View = Callable[..., HttpResponse]
_KNOWN_BY = (settings.SESSION_COOKIE_NAME, "messages")
_TOKEN, _ONCE = b"@@the form's proof@@", b"@@the form's word@@"
_TOKENS = re.compile(rb'(name="csrfmiddlewaretoken" value=")[A-Za-z0-9]{64}(")')
_WORDS = re.compile(rb'(name="' + FIELD.encode() + rb'" value=")[A-Za-z0-9_-]{43}(")')


def same_for_strangers(seconds: int) -> Callable[[View], View]:
    """Keep a page for everybody who has no session, by address, language and colours.

    The proof and the word of each form are put in anew for each reader. An address with a question is made each time,
    so that nobody fills the cache by asking.
    """

    def around(view: View) -> View:
        @functools.wraps(view)
        def answered(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if request.method != "GET" or request.META["QUERY_STRING"] or any(c in request.COOKIES for c in _KNOWN_BY):
                return view(request, *args, **kwargs)
            place = _place(request)
            made = cache.get(place)
            if made is None:
                answer = view(request, *args, **kwargs)
                if answer.status_code != 200 or answer.streaming:
                    return answer
                made = _without_proofs(answer.content)
                cache.set(place, made, seconds)
            return HttpResponse(_with_proofs(made, request))

        return answered

    return around


def _place(request: HttpRequest) -> str:
    parts = (request.get_host(), request.path, get_language() or "", theme_of(request))
    return f"strangers:{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()}"


def _without_proofs(page: bytes) -> bytes:
    page = _TOKENS.sub(rb"\g<1>" + _TOKEN + rb"\g<2>", page)
    return _WORDS.sub(rb"\g<1>" + _ONCE + rb"\g<2>", page)


def _with_proofs(page: bytes, request: HttpRequest) -> bytes:
    if _TOKEN in page:
        page = page.replace(_TOKEN, get_token(request).encode())
    return page.replace(_ONCE, ids.random_token().encode())
