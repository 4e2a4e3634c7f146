"""The door for readings in bulk, `POST /ingest/readings`: whole files of them, by a device key.

The body is never in memory as a whole. What is wrong with a row is said of that row, and stops no other.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.signals.domain.reading import SENTENCES
from cityloom.signals.policies import Writer
from cityloom.signals.sensorthings import keys
from cityloom.ui.words import sentence_of

MOST_BYTES = 256 * 1024 * 1024
KINDS = {
    "application/x-ndjson": "lines", "application/jsonl": "lines", "application/ndjson": "lines", "text/csv": "csv",
    "application/vnd.apache.parquet": "parquet", "application/vnd.apache.arrow.stream": "arrow",
    "application/vnd.apache.arrow.file": "arrow",
}  # fmt: skip
_IN_MEMORY = 1_000_000
_STATUS = {"key_": 401, "readings_large": 413, "readings_type": 415, "readings_packing": 415, "upload_other": 422,
           "not_taking": 503, "disk_full": 507, "not_noted": 503}  # fmt: skip
_AGAIN_S = 5


@csrf_exempt
@login_not_required
def post_readings(request: HttpRequest) -> HttpResponse:
    """Keep the readings of the body, and say what became of them once they are on the disk."""
    if request.method != "POST":
        answer = _answered({"message": "Send readings with POST."}, 405)
        answer["Allow"] = "POST"
        return answer
    from cityloom.signals.readings.road import Told  # what reads readings takes a while to import

    so_far = Told()
    try:
        by = _writer(request)
        return _kept(request, by, so_far)
    except Refused as refusal:
        return _refused(refusal, so_far)


def _kept(request: HttpRequest, by: Writer, so_far: Any) -> HttpResponse:
    from cityloom.signals.readings import posted

    kind, packing, key = _kind(request), _packing(request), request.headers.get("Idempotency-Key")
    with _body(request, kind, can_be_read_twice=key is not None) as body:
        digest = ""
        if key is not None:
            digest = posted.digest_of(body, kind, packing)
            if (before := posted.answered(by, key, digest)) is not None:
                answer = _answered(before)
                answer["Idempotency-Replayed"] = "true"
                return answer
        posted.take(_unpacked(body, packing), kind, by, so_far)
    said = _told(so_far)
    if key is not None:
        posted.note_answer(by, key, digest, said, clock.now())
    return _answered(said)


@contextmanager
def _body(request: HttpRequest, kind: str, *, can_be_read_twice: bool) -> Iterator[Any]:
    """The body as a stream; a copy of it where it has to be gone back in."""
    if kind != "parquet" and not can_be_read_twice:
        yield request
        return
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as copy:
        shutil.copyfileobj(request, copy, _IN_MEMORY)
        copy.seek(0)
        yield copy


def _unpacked(body: IO[bytes], packing: str) -> Any:
    from cityloom.signals.domain import bulk, unpacking

    return unpacking.Unpacked(body, packing, bulk.MOST_BYTES) if packing else body


def _kind(request: HttpRequest) -> str:
    kind = KINDS.get(request.content_type or "")
    if kind is None:
        raise Refused("signals.readings_type", "Readings come as {limit}; {value} is none of these.",
                      value=(request.content_type or "")[:60], limit=", ".join(KINDS))  # fmt: skip
    return kind


def _packing(request: HttpRequest) -> str:
    from cityloom.signals.domain.unpacking import PACKINGS

    packing = request.headers.get("Content-Encoding", "identity").strip().lower()
    if packing == "identity":
        return ""
    if packing not in PACKINGS or KINDS[request.content_type or ""] == "parquet":
        raise Refused("signals.readings_packing", "A body is packed with {limit}, and Parquet not at all, since it is"
                      " packed inside; {value} is not read here.", value=packing[:20],
                      limit=" or ".join(PACKINGS))  # fmt: skip
    return packing


def _writer(request: HttpRequest) -> Writer:
    kind, _, key = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer":
        raise Refused("signals.key_missing", "Writing needs a key: send it as “Authorization: Bearer …”; an operator"
                      " makes one with “cityloom sensor key”.")  # fmt: skip
    return keys.writer_of(key.strip())


def _told(told: Any) -> dict[str, Any]:
    return {
        "rows": told.rows, "kept": told.kept, "duplicates": told.duplicates,
        "refused": dict(sorted(told.rejected.items())),
        "reasons": {code: SENTENCES[code] for code in sorted(told.rejected)},
        "first_refused": [{"row": place + 1, "reason": code} for place, code in told.aside],
    }  # fmt: skip


def _refused(refusal: Refused, so_far: Any) -> HttpResponse:
    """As SensorThings says errors, and what was kept before."""
    reason = refusal.code.rpartition(".")[2]
    status = next((status for start, status in _STATUS.items() if reason.startswith(start)), 400)
    document = {"code": status, "type": "error", "reason": refusal.code, "message": sentence_of(refusal)}
    answer = _answered(document | ({"so_far": _told(so_far)} if so_far.rows else {}), status)
    if status == 401:
        answer["WWW-Authenticate"] = 'Bearer realm="readings"'
    if status == 503:
        answer["Retry-After"] = str(_AGAIN_S)
    return answer


def _answered(document: dict[str, Any], status: int = 200) -> HttpResponse:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return HttpResponse(text, status=status, content_type="application/json; charset=utf-8")
