"""The readings that the city keeps, as a recording for rules to be tried on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from cityloom.detection.display import KINDS
from cityloom.detection.domain.cause import Cause
from cityloom.detection.domain.evidence import Call
from cityloom.detection.domain.firing import Recorded
from cityloom.detection.domain.pack import Pack, kinds_of
from cityloom.kernel.refused import Refused
from cityloom.signals import queries as signals

_LONG = ("In this time there are about {value} readings of the kinds that these rules ask of, and they are tried on at "
         "most {limit}; take a shorter time.")  # fmt: skip
_EMPTY = "The city keeps no reading of {value} in this time; take another time, or a recording."


def kinds_asked(pack: Pack | Cause) -> set[str]:
    """The kinds of streams that rules or a cause ask of."""
    return kinds_of(pack) if isinstance(pack, Pack) else {sign.kind for sign in pack.signs}


def calls_between(pack: Pack | Cause, since: datetime, until: datetime) -> Sequence[Call]:
    """The calls that a cause may ask of; rules ask of none."""
    return signals.reports_between(since, until) if isinstance(pack, Cause) else ()


def check_size(pack: Pack | Cause, since: datetime, until: datetime, most: int) -> signals.Datastreams:
    """The streams that a pack asks of, where they have said no more than so much in this time by their cadences.

    Raises: Refused `detection.past_long`.
    """
    streams = signals.datastreams_of_kinds(kinds_asked(pack))
    expected = int(((until - since).total_seconds() / np.maximum(streams.cadence_s, 1)).sum())
    if expected > most:
        raise Refused("detection.past_long", _LONG, value=expected, limit=most)
    return streams


def recorded_between(pack: Pack | Cause, since: datetime, until: datetime, most: int) -> Recorded:
    """The readings of the kinds that a pack asks of, after an instant and up to another.

    Raises: Refused `detection.past_long`, `detection.past_empty`.
    """
    streams, kinds = check_size(pack, since, until, most), kinds_asked(pack)
    readings = signals.recent(streams.id.tolist(), since, until)
    if not len(readings):
        raise Refused("detection.past_empty", _EMPTY, value=", ".join(sorted(KINDS.get(kind, kind) for kind in kinds)))
    same = (np.diff(readings.datastream_id) == 0) & (np.diff(readings.at_us) == 0)
    kept = np.append(~same, True)  # of equal instants of a stream the last counts
    return Recorded(
        np.searchsorted(streams.id, readings.datastream_id[kept]), readings.at_us[kept] / 1e6, readings.result[kept],
        streams.name, streams.kind, streams.unit, streams.lon, streams.lat,
    )  # fmt: skip
