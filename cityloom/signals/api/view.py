"""The door of the SensorThings service at /sta/v1.1.

Reading is open to everyone. Writing is by a device key in the request's own header and never by a session, so no page
of another site can write through a reader's browser.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from cityloom.kernel.refused import Refused
from cityloom.signals.api import arrays, batch, verbs
from cityloom.signals.api.requests import MOST_BYTES, Answer, Asked, refused
from cityloom.signals.policies import Writer
from cityloom.signals.sensorthings import keys

ROOT = "/sta/v1.1"
_METHODS = "GET, HEAD, POST, PATCH, PUT, DELETE"


@csrf_exempt
@login_not_required
def service(request: HttpRequest, path: str = "") -> HttpResponse:
    """Answer one request to the service."""
    try:
        asked = _asked(request, path)
        found = _answering(asked)(asked)
    except Refused as refusal:
        found = refused(refusal)
    response = _response(found, request.method == "HEAD")
    if path.strip("/") == verbs.UPLOAD:
        response["Content-Encoding"] = "identity"  # packing so many links takes longer than storing what they lead to
    return response


def _answering(asked: Asked) -> Callable[[Asked], Answer]:
    alone = {"$batch": batch.answer, verbs.UPLOAD: arrays.answer} if asked.method == "POST" else {}
    return alone.get(asked.path, verbs.answer)


def _asked(request: HttpRequest, path: str) -> Asked:
    most = arrays.MOST_BYTES if path.strip("/") == verbs.UPLOAD else MOST_BYTES
    body = request.read(most + 1) if request.method in ("POST", "PATCH", "PUT") else b""
    if len(body) > most:
        raise Refused("signals.sta_too_large", "The body is larger than {limit} bytes; send less at once.",
                      limit=most)  # fmt: skip
    return Asked(
        request.method or "", path.strip("/"), request.META.get("QUERY_STRING", ""), request.build_absolute_uri(ROOT),
        body, request.content_type or "", _writer(request),
    )  # fmt: skip


def _writer(request: HttpRequest) -> Writer | None:
    """Whose key came with the request; None where none came. Raises: Refused `signals.key_unknown`."""
    kind, _, key = request.headers.get("Authorization", "").partition(" ")
    return keys.writer_of(key.strip()) if kind.lower() == "bearer" else None


def _response(found: Answer, is_head: bool) -> HttpResponse:
    if found.text is not None:
        response = HttpResponse(found.text, status=found.status, content_type="text/plain; charset=utf-8")
    elif found.document is None:
        response = HttpResponse(status=found.status)
        del response["Content-Type"]
    else:
        text = json.dumps(found.document, ensure_ascii=False, separators=(",", ":"))
        response = HttpResponse(text, status=found.status, content_type="application/json; charset=utf-8")
    if found.as_of:
        response["as_of"] = found.as_of
    if found.location:
        response["Location"] = found.location
    if found.status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = 'Bearer realm="SensorThings"'
    if found.status == HTTPStatus.METHOD_NOT_ALLOWED:
        response["Allow"] = _METHODS
    if is_head:
        response.content = b""
    return response
