"""Readings that a device or another system sends as the body of one request: kept, and answered once and for all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.conf import settings

from cityloom.kernel import ids
from cityloom.kernel.refused import Refused
from cityloom.signals.domain import bulk
from cityloom.signals.domain.wire import Arrived
from cityloom.signals.models import AnsweredUpload, Datastream
from cityloom.signals.policies import Writer
from cityloom.signals.readings.handing import hand_over
from cityloom.signals.readings.road import Told

LONGEST_KEY = 200
KEPT = timedelta(days=7)
_FORGOTTEN_AT_ONCE = 100
_PIECE = 1_000_000


def take(stream: Any, kind: str, by: Writer, so_far: Told) -> None:
    """Have the readings of a body kept; `so_far` counts them, and holds where this is refused half-way.

    Raises: Refused as `bulk.read` and `handing.hand_over`.
    """
    blocks: Iterator[Arrived] = bulk.read(kind, stream, "The body")
    if by.thing_id is not None:
        known = Datastream.objects.filter(thing_id=by.thing_id).values_list("id", "name")
        blocks = (_only(block, {str(part) for pair in known for part in pair}) for block in blocks)
    folder, door = (Path(settings.CITYLOOM[name]) for name in ("READINGS_DIR", "READINGS_DOOR"))
    hand_over(blocks, folder, door, so_far)


def answered(by: Writer, key: str, digest: str) -> dict[str, Any] | None:
    """What was answered to the same body under the same key; None where it is new.

    Raises: Refused `signals.upload_key`, `signals.upload_other`.
    """
    if not 0 < len(key) <= LONGEST_KEY:
        raise Refused("signals.upload_key", "The Idempotency-Key has {value} characters; send one of 1 to {limit}.",
                      value=len(key), limit=LONGEST_KEY)  # fmt: skip
    row = AnsweredUpload.objects.filter(pk=_name(by, key)).first()
    if row is None:
        return None
    if row.digest != digest:
        raise Refused("signals.upload_other", "Something else was sent under this Idempotency-Key already; send a new"
                      " key with a new body.")  # fmt: skip
    said: dict[str, Any] = json.loads(row.answer)
    return said


def note_answer(by: Writer, key: str, digest: str, answer: dict[str, Any], at: datetime) -> None:
    """Remember what was answered, for a week; the first answer stays."""
    row = AnsweredUpload(id=_name(by, key), digest=digest, answer=json.dumps(answer), answered_at=at)
    AnsweredUpload.objects.bulk_create([row], ignore_conflicts=True)
    old = AnsweredUpload.objects.filter(answered_at__lt=at - KEPT).values_list("pk", flat=True)[:_FORGOTTEN_AT_ONCE]
    AnsweredUpload.objects.filter(pk__in=list(old)).delete()


def digest_of(stream: Any, kind: str, packing: str) -> str:
    """What a body is, and how it is to be read; the stream is at its beginning afterwards."""
    found = hashlib.sha256(f"{kind} {packing} ".encode())
    while piece := stream.read(_PIECE):
        found.update(piece)
    stream.seek(0)
    return found.hexdigest()


def _name(by: Writer, key: str) -> str:
    return ids.named_id("upload", by.key_id, key)


def _only(block: Arrived, allowed: set[str]) -> Arrived:
    """A block without the readings of streams that a key may not write to."""
    is_allowed = pc.is_in(block.datastream, value_set=pa.array(sorted(allowed), pa.string()))
    good = np.flatnonzero(is_allowed.to_numpy(zero_copy_only=False))
    if len(good) == len(block):
        return block
    places = block.places
    faults = block.faults | dict.fromkeys(np.delete(places, good).tolist(), "not_allowed_thing")
    return replace(block, datastream=block.datastream.take(pa.array(good)), at_us=block.at_us[good],
                   result=block.result[good], faults=faults, place=places[good], many=block.lines)  # fmt: skip
