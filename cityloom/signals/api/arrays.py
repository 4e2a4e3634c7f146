"""Observations as arrays, in a request of its own: not in one transaction, since what is in columns is on the disk."""

from __future__ import annotations

import msgspec

from cityloom.kernel import clock
from cityloom.signals.api import verbs
from cityloom.signals.api.requests import Answer, Asked
from cityloom.signals.sensorthings import uploading, writing

MOST_BYTES = 32 * 1024 * 1024


def answer(asked: Asked) -> Answer:
    """The link of each observation in its order, or `error` with the reason.

    Raises: Refused as `uploading.upload`, `signals.key_missing`, `signals.sta_json`.
    """
    work = writing.Writing(verbs.writer(asked), clock.now())
    outcomes = uploading.upload(work, _document(asked), alone=True)
    return Answer(201, list(verbs.links(outcomes, asked.root)))


def _document(asked: Asked) -> object:
    """The body, read fast; where that reader finds anything odd, the usual one says what it is."""
    if b"\\u0000" not in asked.body:
        try:
            return msgspec.json.decode(asked.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
    return asked.document()
