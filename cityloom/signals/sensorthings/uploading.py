"""Take in observations as arrays, many at once. Source: OGC 18-088, clause 12 (dataArray).

Numbers that say nothing but when and how much go to columns, in one durable write for all of them; those of sensors
that the city installed to the process that watches readings, where it runs. What says more becomes a row of the table,
and so does a short upload.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import transaction

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.reading import microseconds
from cityloom.signals.domain.sensorthings import checking, narrowing
from cityloom.signals.domain.sensorthings.entities import BY_TITLE
from cityloom.signals.models import Datastream, FeatureOfInterest, Observation
from cityloom.signals.policies import check_can_create
from cityloom.signals.sensorthings import forgetting, kept
from cityloom.signals.sensorthings.handing_on import hand_on
from cityloom.signals.sensorthings.observing import FIRST_US, LAST_US, feature_of, row_of
from cityloom.signals.sensorthings.rows import KEY
from cityloom.signals.sensorthings.writing import Writing

if TYPE_CHECKING:
    from cityloom.signals.domain.sensorthings.arrays import Numbers
    from cityloom.signals.readings.store import Store

MOST_ROWS = 1_000_000
MOST_TABLE_ROWS = 100_000
FEWEST = 500
"""Shorter uploads are rows, of which each subscriber is told."""
_AT_ONCE = 2_000
_FEATURE = ("FeatureOfInterest/id", f"FeatureOfInterest/{KEY}")
_ENTITY = BY_TITLE["Observation"]
Outcome = int | str | Refused


@dataclass(frozen=True)
class _Group:
    """The observations of one datastream: where they begin among all, what each part is, and the parts."""

    start: int
    stream: Any
    names: list[Any]
    rows: list[Any]


@dataclass
class _Upload:
    """One request: what became of each observation so far, and features that are known to be there."""

    work: Writing
    outcomes: list[Outcome]
    features: set[int] = field(default_factory=set)


def upload(work: Writing, payload: object, *, alone: bool = False) -> list[Outcome]:
    """Store the observations of arrays; for each, in order, its id or why it was not stored.

    Within a transaction that may be undone all become rows; `alone` says that there is none.

    Raises: Refused `signals.sta_body`, `.sta_missing`, `.sta_rows` where the form as a whole is not as it should be,
    and `lake.disk_full`; nothing is stored then.
    """
    groups = _groups(payload)
    count = sum(len(one.rows) for one in groups)
    if count > MOST_ROWS:
        raise _too_many(MOST_ROWS)
    whole = _Upload(work, [0] * count)
    handed = hand_on(work, groups, whole.outcomes, _is_usual) if alone else set()
    numbers = _numbers(whole, groups) if alone and count >= FEWEST else []
    left = count - len(handed) - sum(len(one.place) for _, one in numbers)
    if left > MOST_TABLE_ROWS:
        raise _too_many(MOST_TABLE_ROWS)
    with transaction.atomic() if left or not alone else nullcontext():
        again = _keep(whole, numbers)
        done = {group.start + int(at) for group, one in numbers for at in one.place} - again
        _insert(whole, groups, done | handed)
        made = enumerate(whole.outcomes)  # of those that were handed on their keeper tells
        work.changes.made(_ENTITY, [one for at, one in made if isinstance(one, (int, str)) and at not in handed])
        work.finish()
    return whole.outcomes


def _too_many(limit: int) -> Refused:
    return Refused("signals.sta_rows", "One request may bring at most {limit} observations; send several.", limit=limit)


def _groups(payload: object) -> list[_Group]:
    if not isinstance(payload, list):
        raise Refused("signals.sta_body", "A list is expected for {value}.", value="CreateObservations")
    found, start = [], 0
    for group in payload:
        fields = group if isinstance(group, dict) else {}
        names, rows, stream = fields.get("components"), fields.get("dataArray"), fields.get("Datastream")
        if not isinstance(names, list) or not isinstance(rows, list) or not isinstance(stream, dict):
            raise Refused("signals.sta_body", "A JSON object is expected for {value}.",
                          value="Datastream, components, dataArray")  # fmt: skip
        found.append(_Group(start, stream.get(KEY), names, rows))
        start += len(rows)
    return found


# --- columns


def _numbers(whole: _Upload, groups: list[_Group]) -> list[tuple[_Group, Numbers]]:
    """What can go to columns, by datastream."""
    from cityloom.signals.domain.sensorthings import arrays

    found = []
    for group in groups:
        stream = _stream_for_columns(whole, group)
        if stream is None:
            continue
        numbers = arrays.numbers(group.names, group.rows, stream.feature_id)
        usual = _is_usual(stream.id, numbers)
        chosen = arrays.Numbers(numbers.place[usual], numbers.at_us[usual], numbers.result[usual])
        if len(chosen.place):
            found.append((group, chosen))
    return found if sum(len(one.place) for _, one in found) >= FEWEST else []


def _stream_for_columns(whole: _Upload, group: _Group) -> Datastream | None:
    """The datastream, where its observations may go to columns: not the city's own, and all of one feature."""
    if type(group.stream) is not int or not all(isinstance(one, str) for one in group.names):
        return None
    try:
        stream = whole.work.observed.stream(group.stream)
        check_can_create(whole.work.by, "Observation", stream.thing_id)
        if stream.kind:
            return None
        with transaction.atomic():
            return stream if feature_of(whole.work.observed, stream) == _feature(stream, whole) else None
    except Refused:
        return None  # said of each row


def _feature(stream: Datastream, whole: _Upload) -> int | None:
    """What observations in columns of a stream are of; the first ones say it."""
    if stream.feature_id is None:
        stream.feature_id = feature_of(whole.work.observed, stream)
        Datastream.objects.filter(pk=stream.id, feature=None).update(feature=stream.feature_id)
    return stream.feature_id


def _is_usual(stream: int, numbers: Numbers) -> Any:
    """Which are neither of a clock that was never set nor where something was deleted: the table tells those apart."""
    usual = (numbers.at_us >= FIRST_US) & (numbers.at_us < LAST_US)
    away = kept.gone(thing=stream)
    if len(away.thing):
        import numpy as np

        usual &= ~away.has(np.full(len(numbers.at_us), stream), numbers.at_us)
    return usual


def _keep(whole: _Upload, numbers: list[tuple[_Group, Numbers]]) -> set[int]:
    """Write what can go to columns, durably; the places of those that have to be rows after all.

    Raises: Refused `lake.disk_full`.
    """
    if not numbers:
        return set()
    import numpy as np

    from cityloom.signals.domain.judging import Judged

    store = _store()
    everything = np.concatenate([group.start + one.place for group, one in numbers])
    if store is None:
        return set(everything.tolist())
    streams = np.array([int(group.stream) for group, _ in numbers])
    slot = store.streams.slots_of_ids(np.repeat(streams, [len(one.place) for _, one in numbers]))
    at_us = np.concatenate([one.at_us for _, one in numbers])
    result = np.concatenate([one.result for _, one in numbers])
    taken = store.take(Judged(slot, at_us, result, Counter()), {"known_at": microseconds(whole.work.at)})
    again = set(everything[taken.differing].tolist())
    there = set(Datastream.objects.filter(id__in=streams.tolist()).values_list("id", flat=True))
    forgetting.forget_streams(set(streams.tolist()) - there)  # deleted while this came in
    for group, one in numbers:
        places = (group.start + one.place).tolist()
        for place, at in zip(places, one.at_us.tolist(), strict=True):
            whole.outcomes[place] = narrowing.key_of(group.stream, at)
    return again


def _store() -> Store | None:
    from cityloom.signals.readings import owning

    ids = list(Datastream.objects.filter(kind="").order_by("id").values_list("id", flat=True))
    return owning.store(kept.root(), ids)


# --- rows


def _insert(whole: _Upload, groups: list[_Group], done: set[int]) -> None:
    """Make rows of the others."""
    waiting: list[tuple[int, Observation]] = []
    for place, keys, properties in _rows(groups, done):
        try:
            row = _row(whole, keys, properties)
        except Refused as refusal:
            whole.outcomes[place] = refusal
        else:
            waiting.append((place, row))
    made = Observation.objects.bulk_create([row for _, row in waiting], _AT_ONCE)
    for (place, _), row in zip(waiting, made, strict=True):
        whole.outcomes[place] = int(row.pk)


def _rows(groups: list[_Group], done: set[int]) -> Iterator[tuple[int, dict[str, Any], dict[str, Any]]]:
    """Place, relations and properties of each observation that is not done."""
    for group in groups:
        if done.issuperset(range(group.start, group.start + len(group.rows))):
            continue
        for place, row in enumerate(group.rows, group.start):
            if place in done:
                continue
            is_good = isinstance(row, list) and len(row) == len(group.names)
            values = dict(zip(group.names, row, strict=False)) if is_good else {}
            feature = next((values.pop(name) for name in _FEATURE if name in values), None)
            yield place, {"Datastream": group.stream, "FeatureOfInterest": feature}, values


def _row(whole: _Upload, keys: dict[str, Any], properties: dict[str, Any]) -> Observation:
    if type(keys["Datastream"]) is not int:
        raise checking.missing(_ENTITY, "Datastream")
    stream = whole.work.observed.stream(keys["Datastream"])
    check_can_create(whole.work.by, "Observation", stream.thing_id)
    fields, _ = checking.split(_ENTITY, properties)
    if (feature := keys["FeatureOfInterest"]) is None:
        del keys["FeatureOfInterest"]
    elif feature not in whole.features:
        if type(feature) is not int or not FeatureOfInterest.objects.filter(pk=feature).exists():
            raise Refused("signals.sta_reference", "There is no {value} to refer to; make it first.",
                          value=f"FeatureOfInterest {feature}"[:60])  # fmt: skip
        whole.features.add(feature)
    return row_of(whole.work.observed, fields, keys, whole.work.at)
