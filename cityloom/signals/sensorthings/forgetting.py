"""Take back observations in columns: nothing is written anew there, so a stretch of a stream is marked as gone."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.signals.domain.reading import microseconds
from cityloom.signals.domain.sensorthings import narrowing
from cityloom.signals.models import Datastream, ObservationGone
from cityloom.signals.sensorthings import kept


def forget_one(key: str) -> None:
    """Take back one observation, of which one knows that it is there. Raises: Refused `signals.not_allowed`."""
    thing, at_us = narrowing.parts_of(key) or (0, 0)
    if Datastream.objects.filter(pk=thing).exclude(kind="").exists():
        raise Refused("signals.not_allowed", "{value} belongs to a sensor that the city has installed and cannot be"
                      " changed from here; ask an operator to take it out of service.",
                      value=f"Observation {key}")  # fmt: skip
    ObservationGone.objects.create(
        datastream_id=thing, first_us=at_us, last_us=at_us, count=1, gone_us=microseconds(clock.now())
    )


def check_can_change(key: object) -> None:
    """Columns are not changed in place. Raises: Refused `signals.sta_columns`."""
    if isinstance(key, str):
        raise Refused("signals.sta_columns", "Observation {value} was sent in bulk and cannot be changed; delete it,"
                      " and send it anew.", value=key)  # fmt: skip


def forget_streams(ids: Iterable[int]) -> None:
    """Take back all observations in columns of streams."""
    things, nothing = np.array(sorted(ids), np.int64), np.zeros(0, np.int64)
    now = microseconds(clock.now())
    for store in kept.stores():
        streams, counts = store.counts(things, nothing, kept.gone())
        ObservationGone.objects.bulk_create(
            ObservationGone(datastream_id=thing, first_us=narrowing.EARLIEST, last_us=narrowing.LATEST, count=count,
                            gone_us=now) for thing, count in zip(streams.tolist(), counts.tolist(), strict=True)
        )  # fmt: skip


def forget_features(ids: Iterable[int]) -> None:
    """Take back all observations in columns that are of features."""
    forget_streams(Datastream.objects.filter(feature_id__in=list(ids)).values_list("id", flat=True))
