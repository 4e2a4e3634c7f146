"""The public log in the formats of C2SP tlog-tiles, and the page where anybody checks a bundle."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cityloom.audit import queries
from cityloom.audit.domain.paths import read_path
from cityloom.kernel.refused import Refused

_FOREVER = "public, max-age=31536000, immutable"
_MOMENT = "public, max-age=5"


@login_not_required
@require_safe
def checkpoint(request: HttpRequest) -> HttpResponse:
    """The signed tree head."""
    return _public(queries.checkpoint_note().encode(), "text/plain; charset=utf-8", _MOMENT)


@login_not_required
@require_safe
def tile(request: HttpRequest, path: str) -> HttpResponse:
    """A tile of hashes, or the entries under one; neither says anything about anybody."""
    part = read_path(f"tile/{path}")
    if part is None:
        raise Http404
    try:
        return _public(queries.part_of_log(part), "application/octet-stream", _FOREVER)
    except Refused as refusal:
        if refusal.code != "gate.no_such_leaf":
            raise
        raise Http404 from refusal


@login_not_required
@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """The JSON Schema of a bundle."""
    return _public(_own("bundle.schema.json"), "application/schema+json", _MOMENT)


@login_not_required
@require_safe
def verify(request: HttpRequest) -> HttpResponse:
    """The page where a bundle is checked in the browser; nothing leaves it."""
    return render(request, "audit/verify.html")


@login_not_required
@require_safe
def verify_alone(request: HttpRequest) -> HttpResponse:
    """The same as one file, to be kept and opened without this server."""
    answer = HttpResponse(alone(), content_type="text/html; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="cityloom-verify.html"'
    return answer


@login_not_required
@require_safe
def verifier(request: HttpRequest) -> HttpResponse:
    """The verifier as one file of Python, to be kept and run without this server."""
    answer = _public(resources.files("cityloom.keeper").joinpath("verifier.py").read_bytes(), "text/x-python", _MOMENT)
    answer["Content-Disposition"] = 'attachment; filename="verifier.py"'
    return answer


def alone() -> str:
    """One file of HTML with script and style inside, allowed by their hashes; nothing else may load or be sent."""
    script, style = (_own(f"static/audit/verify.{kind}").decode() for kind in ("js", "css"))
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; base-uri 'none';"
        " form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>Cityloom</title>\n'
        f'<style>{style}</style>\n</head>\n<body>\n<main id="verify" data-alone="1"></main>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _own(name: str) -> bytes:
    return resources.files("cityloom.audit").joinpath(name).read_bytes()


def _public(body: bytes, content_type: str, cache: str) -> HttpResponse:
    answer = HttpResponse(body, content_type=content_type)
    answer["Cache-Control"] = cache
    answer["Access-Control-Allow-Origin"] = "*"
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
