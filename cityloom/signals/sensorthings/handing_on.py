"""Observations of the city's own sensors that come in bulk: handed to the process that keeps and watches readings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.reading import SENTENCES
from cityloom.signals.domain.sensorthings import narrowing
from cityloom.signals.policies import check_can_create

if TYPE_CHECKING:
    from cityloom.signals.domain.sensorthings.arrays import Numbers
    from cityloom.signals.models import Datastream
    from cityloom.signals.sensorthings.writing import Writing

Usual = Callable[[int, Any], Any]


def hand_on(work: Writing, groups: Sequence[Any], outcomes: list[Any], is_usual: Usual) -> set[int]:
    """Have plain numbers kept and watched as other readings are; the places of which that is settled.

    Each gets its id or the reason why it was set aside. Where nobody takes readings, none is settled.
    Raises: Refused `lake.disk_full`, `signals.not_taking`; then the upload can be sent again, and counts once.
    """
    own = [(group, stream) for group in groups if (stream := _own_stream(work, group)) is not None]
    if not own:
        return set()
    from cityloom.signals.readings import handing
    from cityloom.signals.readings.road import Told

    folder, door = (Path(settings.CITYLOOM[name]) for name in ("READINGS_DIR", "READINGS_DOOR"))
    if not handing.is_open(door):
        return set()
    parts = [part for group, stream in own if len((part := _numbers(group, stream, is_usual))[2])]
    told = Told()
    handing.hand_over([_block(parts)] if parts else [], folder, door, told, most_told=len(outcomes))
    places = [(place, part[1], at) for part in parts
              for place, at in zip((part[0] + part[2]).tolist(), part[3].tolist(), strict=True)]  # fmt: skip
    for place, stream, at in places:
        outcomes[place] = narrowing.key_of(stream, at)
    settled = {place for place, _, _ in places}
    for row, code in told.aside:
        place = places[row][0]
        if code == "unknown_sensor":  # installed a moment ago: it is a row, as where nobody takes readings
            settled.discard(place)
        else:
            outcomes[place] = Refused(f"signals.{code}", SENTENCES[code])
    return settled


def _own_stream(work: Writing, group: Any) -> Datastream | None:
    """The stream, where the city installed it and the key may write to it; what is wrong is said of each row."""
    if type(group.stream) is not int or not all(isinstance(one, str) for one in group.names):
        return None
    try:
        stream = work.observed.stream(group.stream)
        check_can_create(work.by, "Observation", stream.thing_id)
    except Refused:
        return None
    return stream if stream.kind else None


def _numbers(group: Any, stream: Datastream, is_usual: Usual) -> tuple[int, int, Any, Any, Any]:
    """Where the group begins, the stream, and places, instants and results of its plain rows."""
    from cityloom.signals.domain.sensorthings import arrays

    found: Numbers = arrays.numbers(group.names, group.rows, stream.feature_id)
    usual = is_usual(stream.id, found)
    return group.start, stream.id, found.place[usual], found.at_us[usual], found.result[usual]


def _block(parts: Sequence[tuple[int, int, Any, Any, Any]]) -> Any:
    import numpy as np
    import pyarrow as pa

    from cityloom.signals.domain.wire import Arrived

    names = np.repeat([str(part[1]) for part in parts], [len(part[2]) for part in parts])
    return Arrived(pa.array(names.tolist(), pa.string()), np.concatenate([part[3] for part in parts]),
                   np.concatenate([part[4] for part in parts]))  # fmt: skip
