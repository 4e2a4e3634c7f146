"""Several requests in one. Source: OGC 18-088, clause 11; OData JSON Format 4.01, clause 19."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from django.db import transaction

from cityloom.kernel.refused import Refused
from cityloom.signals.api import verbs
from cityloom.signals.api.requests import Answer, Asked, split_url

MOST_REQUESTS = 1_000
_REFERENCE = re.compile(r"\$([A-Za-z0-9_.-]{1,40})(?=/|\)|$)")


class _Undone(Exception):  # noqa: N818 - undoes a group, is no error
    """One request of a group failed, so that none of it counts."""


def answer(asked: Asked) -> Answer:
    """Each request in its order; those of one `atomicityGroup` count together or not at all.

    Raises: Refused `signals.sta_body`, `signals.sta_batch_long`.
    """
    document = asked.document()
    requests = document.get("requests") if isinstance(document, dict) else None
    if not isinstance(requests, list) or not all(isinstance(one, dict) for one in requests):
        raise Refused("signals.sta_body", "A JSON object is expected for {value}.", value="$batch: requests")
    if len(requests) > MOST_REQUESTS:
        raise Refused("signals.sta_batch_long", "One batch may hold at most {limit} requests; send several.",
                      limit=MOST_REQUESTS)  # fmt: skip
    links: dict[str, str] = {}
    responses: list[dict[str, Any]] = []
    for group in _groups(requests):
        responses += _together(group, asked, links) if group[0].get("atomicityGroup") else [
            _one(group[0], asked, links)
        ]
    return Answer(document={"responses": responses})


def _groups(requests: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Neighbours of one group together, the others alone."""
    groups: list[list[dict[str, Any]]] = []
    for one in requests:
        name = one.get("atomicityGroup")
        if name and groups and groups[-1][0].get("atomicityGroup") == name:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _together(group: list[dict[str, Any]], asked: Asked, links: dict[str, str]) -> list[dict[str, Any]]:
    done: list[dict[str, Any]] = []
    made = dict(links)
    try:
        with transaction.atomic():
            for one in group:
                done.append(_one(one, asked, made))
                if done[-1]["status"] >= 400:
                    raise _Undone
    except _Undone:
        failed = done[-1]
        undone = {"code": 424, "type": "error", "message": "Another request of its group failed."}
        return [
            failed if one.get("id") == failed["id"] else {"id": one.get("id"), "status": 424, "body": undone}
            for one in group
        ]  # fmt: skip
    links |= made
    return done


def _one(request: dict[str, Any], asked: Asked, links: dict[str, str]) -> dict[str, Any]:
    key = request.get("id")
    headers = {str(name).lower(): str(value) for name, value in dict(request.get("headers") or {}).items()}
    url = _REFERENCE.sub(lambda found: links.get(found[1], found[0]), str(request.get("url", "")))
    path, query = split_url(url.removeprefix(asked.root).removeprefix("/sta/v1.1"))
    body = json.dumps(_referred(request.get("body"), links)).encode() if "body" in request else b""
    inner = replace(
        asked, method=str(request.get("method", "")).upper(), path=path, query=query, body=body,
        content_type=headers.get("content-type", "").partition(";")[0],
    )  # fmt: skip
    found = verbs.answer(inner)
    response: dict[str, Any] = {"id": key, "status": found.status}
    if found.location:
        response["location"] = found.location
        links[str(key)] = found.location.removeprefix(asked.root + "/")
    if found.document is not None or found.text is not None:
        response["body"] = found.document if found.text is None else found.text
    return response


def _referred(body: Any, links: dict[str, str]) -> Any:
    """The body with `"$id"` as an id replaced by the id of what that request made."""
    if isinstance(body, dict):
        return {name: _id_of(value, links) if name == "@iot.id" else _referred(value, links)
                for name, value in body.items()}  # fmt: skip
    return [_referred(one, links) for one in body] if isinstance(body, list) else body


def _id_of(value: Any, links: dict[str, str]) -> Any:
    link = links.get(value[1:]) if isinstance(value, str) and value.startswith("$") else None
    return int(link.rpartition("(")[2].rstrip(")")) if link else value
