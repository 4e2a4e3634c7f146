"""Pages that are the same for every stranger: made once, handed out for some seconds.

The web process hands them out before anything else is asked (`at_once`): no session, no database, no template.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware, get_token
from django.utils.translation import get_language, get_language_from_request

from cityloom.kernel import clock, ids
from cityloom.ui.context import theme_of
from cityloom.ui.middleware import CompressText
from cityloom.ui.once import FIELD

View = Callable[..., HttpResponse]
_KNOWN_BY = (settings.SESSION_COOKIE_NAME, "messages")
_TOKEN, _ONCE = b"@@the form's proof@@", b"@@the form's word@@"
_TOKENS = re.compile(rb'(name="csrfmiddlewaretoken" value=")[A-Za-z0-9]{64}(")')
_WORDS = re.compile(rb'(name="' + FIELD.encode() + rb'" value=")[A-Za-z0-9_-]{43}(")')
_OF_ONE_ANSWER = frozenset({"content-length", "content-encoding", "set-cookie"})
_MOST_PAGES = 500
_WHILE_MADE_ANEW_S = 2.0
"""So long the others get a page that has just gone out of date, while one of them waits for the new one."""


@dataclass
class Finished:
    """A page with all that goes with it, without anybody's proof; `until` by the stopwatch."""

    page: bytes
    headers: dict[str, str]
    until: float
    is_made_anew: bool = False


_finished: dict[str, Finished] = {}


def same_for_strangers(seconds: int) -> Callable[[View], View]:
    """Keep a page for everybody who has no session, by address, language and colours.

    The proof and the word of each form are put in anew for each reader. An address with a question is made each time,
    so that nobody fills the cache by asking.
    """

    def around(view: View) -> View:
        @functools.wraps(view)
        def answered(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if not _is_shared(request):
                return view(request, *args, **kwargs)
            place = _place(request, get_language() or "")
            known = cache.get(place)
            if known is None:
                answer = view(request, *args, **kwargs)
                if answer.status_code != 200 or answer.streaming:
                    return answer
                known = (_without_proofs(answer.content), clock.stopwatch() + seconds)
                cache.set(place, known, seconds)
            answer = HttpResponse(_with_proofs(known[0], request))
            answer.for_strangers = (place, *known)  # type: ignore[attr-defined]
            return answer

        return answered

    return around


class KeepForStrangers:
    """Keep a shared page with the headers that everything around it has put on; it stands before all the others."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        _finish(answer)
        return answer


def _finish(answer: HttpResponse) -> None:
    place, page, until = getattr(answer, "for_strangers", ("", b"", 0.0))
    if not place or answer.status_code != 200 or set(answer.cookies) - {settings.CSRF_COOKIE_NAME}:
        return
    if len(_finished) >= _MOST_PAGES:
        _finished.clear()
    headers = {name: value for name, value in answer.items() if name.lower() not in _OF_ONE_ANSWER}
    _finished[place] = Finished(page, headers, until)


def at_once(request: HttpRequest) -> HttpResponse | None:
    """A shared page for a stranger, where it is known and not out of date. Raises: DisallowedHost."""
    if not _is_shared(request) or not _finished:
        return None
    found = _finished.get(_place(request, get_language_from_request(request)))
    if found is None or _is_due(found):
        return None
    proof = CsrfViewMiddleware(_nothing)
    proof.process_request(request)
    answer = HttpResponse(_with_proofs(found.page, request), headers=found.headers)
    answer = CompressText(_nothing).process_response(request, proof.process_response(request, answer))
    answer.headers["Content-Length"] = str(len(answer.content))
    return answer


def forget() -> None:
    """Let go of every page that is kept with its headers."""
    _finished.clear()


def _nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def _is_due(found: Finished) -> bool:
    """Whether this reader has the page made anew: the first after its time, and each after a while longer."""
    late = clock.stopwatch() - found.until
    if late < 0 or (late < _WHILE_MADE_ANEW_S and found.is_made_anew):
        return False
    found.is_made_anew = True
    return True


def _is_shared(request: HttpRequest) -> bool:
    return (request.method == "GET" and not request.META["QUERY_STRING"]
            and not any(one in request.COOKIES for one in _KNOWN_BY))  # fmt: skip


def _place(request: HttpRequest, language: str) -> str:
    parts = (request.get_host(), request.path, language, theme_of(request))
    return f"strangers:{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()}"


def _without_proofs(page: bytes) -> bytes:
    page = _TOKENS.sub(rb"\g<1>" + _TOKEN + rb"\g<2>", page)
    return _WORDS.sub(rb"\g<1>" + _ONCE + rb"\g<2>", page)


def _with_proofs(page: bytes, request: HttpRequest) -> bytes:
    if _TOKEN in page:
        page = page.replace(_TOKEN, get_token(request).encode())
    return page.replace(_ONCE, ids.random_token().encode())
