"""Several requests in one. Source: OGC 18-088, clause 11; OData JSON Format 4.01, clause 19.

Neighbours that write share a transaction, with a savepoint each, so that one wait for the disk is enough for many;
plain updates that follow each other are made by a few statements.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from typing import Any

from django.db import transaction

from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.signals.api import verbs
from cityloom.signals.api.requests import JSON_PATCH, Answer, Asked, refused, split_url
from cityloom.signals.domain.sensorthings.entities import BY_NAME
from cityloom.signals.readings import deadline
from cityloom.signals.sensorthings import limit
from cityloom.signals.sensorthings.rows import KEY
from cityloom.signals.sensorthings.updating import Update, update
from cityloom.signals.sensorthings.writing import Writing

MOST_REQUESTS = 1_000
_AT_ONCE = 500
_LONGEST_S = 0.1
"""A transaction that took so long ends with the request that it is at, so that others who write need not wait."""
_REFERENCE = re.compile(r"\$([A-Za-z0-9_.-]{1,40})(?=/|\)|$)")
_ENTITY = re.compile(r"/?([A-Za-z]{1,40})\((\d{1,18})\)/?")

Request = dict[str, Any]
Response = dict[str, Any]


class _Undone(Exception):  # noqa: N818 - undoes a group, is no error
    """One request of a group failed, so that none of it counts."""


def answer(asked: Asked) -> Answer:
    """Each request in its order; those of one `atomicityGroup` count together or not at all.

    Raises: Refused `signals.sta_body`, `signals.sta_batch_long`.
    """
    links: dict[str, str] = {}
    responses: list[Response] = []
    for (group, is_read), part in groupby(_requests(asked), _kind):
        some = list(part)
        if group:
            responses += _together(some, asked, links)
        elif is_read:
            with deadline.within(limit.LONGEST_BATCH_S):
                responses += [_one(request, asked, links) for request in some]
        else:
            responses += _apart(some, asked, links)
    return Answer(document={"responses": responses})


def _requests(asked: Asked) -> list[Request]:
    document = asked.document()
    requests = document.get("requests") if isinstance(document, dict) else None
    if not isinstance(requests, list) or not all(isinstance(one, dict) for one in requests):
        raise Refused("signals.sta_body", "A JSON object is expected for {value}.", value="$batch: requests")
    if len(requests) > MOST_REQUESTS:
        raise Refused("signals.sta_batch_long", "One batch may hold at most {limit} requests; send several.",
                      limit=MOST_REQUESTS)  # fmt: skip
    return requests


def _kind(request: Request) -> tuple[str, bool]:
    """Its group, and whether it only reads: neighbours alike may share a transaction, and what reads needs none."""
    name = request.get("atomicityGroup")
    return str(name) if name else "", not name and _method(request) in ("GET", "HEAD")


def _method(request: Request) -> str:
    return str(request.get("method", "")).upper()


def _apart(requests: list[Request], asked: Asked, links: dict[str, str]) -> list[Response]:
    """Each counts alone; one that fails undoes nothing of the others."""
    responses: list[Response] = []
    while len(responses) < len(requests):
        with _sharing(asked) as within:
            until = clock.stopwatch() + _LONGEST_S
            while len(responses) < len(requests) and clock.stopwatch() < until:
                responses += _next(requests, len(responses), within, links)
    return responses


@contextmanager
def _sharing(asked: Asked) -> Iterator[Asked]:
    """One transaction for several requests, which share what they have looked up."""
    with transaction.atomic():
        whole = Writing(asked.writer, clock.now()) if asked.writer else None
        yield replace(asked, whole=whole)
        if whole is not None:
            whole.finish()


def _together(group: list[Request], asked: Asked, links: dict[str, str]) -> list[Response]:
    done: list[Response] = []
    made = dict(links)
    try:
        with _sharing(asked) as within:
            while len(done) < len(group):
                done += _next(group, len(done), within, made)
                if any(one["status"] >= 400 for one in done):
                    raise _Undone
    except _Undone:
        failed = next(one for one in done if one["status"] >= 400)
        undone = {"code": 424, "type": "error", "message": "Another request of its group failed."}
        return [
            failed if one.get("id") == failed["id"] else {"id": one.get("id"), "status": 424, "body": undone}
            for one in group
        ]  # fmt: skip
    links |= made
    return done


def _next(requests: list[Request], start: int, asked: Asked, links: dict[str, str]) -> list[Response]:
    """The answers to the request at `start`, and to those after it that are plain updates as well."""
    updates = list(_updates(requests[start : start + _AT_ONCE], asked))
    if len(updates) < 2 or asked.whole is None:
        return [_one(requests[start], asked, links)]
    outcomes = update(asked.whole.changes, updates)
    return [_updated(*one, asked) for one in zip(requests[start:], updates, outcomes, strict=False)]


def _updates(requests: list[Request], asked: Asked) -> Iterator[Update]:
    """The plain updates that the first requests ask for; one who may change nothing is told so one by one."""
    may = asked.writer is not None and asked.writer.thing_id is None
    for request in requests if may else ():
        one = _update_of(request, asked)
        if one is None:
            return
        yield one


def _update_of(request: Request, asked: Asked) -> Update | None:
    """The plain update that a request asks for; None where it asks for something else, or has to be looked at more."""
    body = request.get("body")
    if not isinstance(body, dict) or _method(request) != "PATCH" or _content_type(request) == JSON_PATCH:
        return None
    found = _ENTITY.fullmatch(_below_root(str(request.get("url", "")), asked))
    entity = BY_NAME.get(found[1]) if found else None
    if found is None or entity is None:
        return None
    one = Update(entity, int(found[2]), body)
    return one if one.is_plain else None


def _updated(request: Request, one: Update, outcome: Refused | None, asked: Asked) -> Response:
    key = request.get("id")
    if outcome is not None:
        found = refused(outcome)
        return {"id": key, "status": found.status, "body": found.document}
    link = f"{asked.root}/{one.entity.name}({one.key})"
    return {"id": key, "status": 200, "body": {KEY: one.key, "@iot.selfLink": link}}


def _one(request: Request, asked: Asked, links: dict[str, str]) -> Response:
    key = request.get("id")
    url = str(request.get("url", ""))
    if "$" in url:
        url = _REFERENCE.sub(lambda found: links.get(found[1], found[0]), url)
    path, query = split_url(_below_root(url, asked))
    inner = replace(
        asked, method=_method(request), path=path, query=query, body=b"",
        given=_referred(request.get("body"), links), content_type=_content_type(request),
    )  # fmt: skip
    announced = len(asked.whole.observed.announced) if asked.whole else 0
    found = verbs.answer(inner)
    if asked.whole and found.status >= 400:
        asked.whole.take_back(announced)
    response: Response = {"id": key, "status": found.status}
    if found.location:
        response["location"] = found.location
        links[str(key)] = found.location.removeprefix(asked.root + "/")
    if found.document is not None or found.text is not None:
        response["body"] = found.document if found.text is None else found.text
    return response


def _below_root(url: str, asked: Asked) -> str:
    return url.removeprefix(asked.root).removeprefix("/sta/v1.1")


def _content_type(request: Request) -> str:
    headers = request.get("headers")
    pairs = headers.items() if isinstance(headers, dict) else ()
    found = next((str(value) for name, value in pairs if str(name).lower() == "content-type"), "")
    return found.partition(";")[0].strip()


def _referred(body: Any, links: dict[str, str]) -> Any:
    """The body with `"$id"` as an id replaced by the id of what that request made."""
    if not links:
        return body
    if isinstance(body, dict):
        return {name: _id_of(value, links) if name == "@iot.id" else _referred(value, links)
                for name, value in body.items()}  # fmt: skip
    return [_referred(one, links) for one in body] if isinstance(body, list) else body


def _id_of(value: Any, links: dict[str, str]) -> Any:
    link = links.get(value[1:]) if isinstance(value, str) and value.startswith("$") else None
    return int(link.rpartition("(")[2].rstrip(")")) if link else value
