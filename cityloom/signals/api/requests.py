"""One request to the SensorThings service, whether it came alone or in a batch, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, unquote_plus

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.sensorthings import checking
from cityloom.signals.policies import Writer
from cityloom.signals.sensorthings.writing import Writing
from cityloom.ui.words import sentence_of

MOST_BYTES = 4 * 1024 * 1024
_STATUS = {"key_": 401, "no_": 404, "not_allowed": 403, "not_taking": 503, "role": 403, "sta_too_large": 413,
           "sta_method": 405, "sta_id_taken": 409, "sta_slow": 503}  # fmt: skip
JSON_PATCH = "application/json-patch+json"


@dataclass(frozen=True)
class Asked:
    """A request: `path` below the root of the service, decoded; `query` as it came; `root` is the service's address."""

    method: str
    path: str
    query: str
    root: str
    body: bytes = b""
    content_type: str = ""
    writer: Writer | None = None
    references: Mapping[str, str] = field(default_factory=dict)
    given: Any = None
    """The document that came, where a batch has read it already."""
    whole: Writing | None = None
    """What the batch has written so far, where the request is one of a batch."""

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Names and values of the query."""
        parts = [part.partition("=") for part in self.query.split("&") if part]
        return [(unquote_plus(name), unquote_plus(value)) for name, _, value in parts]

    def document(self) -> Any:
        """The body as JSON. Raises: Refused `signals.sta_json`."""
        if self.given is not None:
            return self.given
        return checking.document(self.body)


@dataclass(frozen=True)
class Answer:
    """What is answered: a document (None: no body), or a plain text."""

    status: int = 200
    document: Any = None
    location: str = ""
    text: str | None = None
    as_of: str = ""
    """The instant as known at which it is answered, where the question named one."""


def refused(refusal: Refused) -> Answer:
    """A refusal as the service says it."""
    status = status_of(refusal)
    return Answer(status, {
        "code": status, "type": "error", "reason": refusal.code, "message": sentence_of(refusal),
    })  # fmt: skip


def status_of(refusal: Refused) -> int:
    """The HTTP status of a refusal; 400 unless its code says more."""
    reason = refusal.code.rpartition(".")[2]
    return next((status for start, status in _STATUS.items() if reason.startswith(start)), HTTPStatus.BAD_REQUEST)


def split_url(url: str) -> tuple[str, str]:
    """Path (decoded) and query of an address below the root."""
    path, _, query = url.partition("?")
    return unquote(path).strip("/"), query
