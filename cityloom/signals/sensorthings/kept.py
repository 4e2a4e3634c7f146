"""What lies in columns of the observations that are asked for: in which stores, of which streams, and what is gone."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from cityloom.signals.models import Datastream, ObservationGone
from cityloom.signals.readings import tally_file

if TYPE_CHECKING:
    from cityloom.signals.readings.asking import Gone
    from cityloom.signals.readings.following import Following

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Kept:
    """One store: what it holds, and of each stream that has said something how much; by the streams' ids."""

    following: Following
    tally: NDArray[np.void]

    def count(self, things: Ints | None, hidden: Ints, gone: Gone) -> int:
        """How many observations streams have; counted already."""
        shown = ~np.isin(self.tally["id"], hidden)
        if things is not None:
            shown &= np.isin(self.tally["id"], things)
        less = np.isin(gone.thing, self.tally["id"][shown])
        return int(self.tally["count"][shown].sum()) - int(gone.count[less].sum())

    def counts(self, things: Ints | None, hidden: Ints, gone: Gone) -> tuple[Ints, Ints]:
        """The ids of streams that have observations, in order, and how many each has."""
        shown = ~np.isin(self.tally["id"], hidden)
        if things is not None:
            shown &= np.isin(self.tally["id"], things)
        ids, count = self.tally["id"][shown], self.tally["count"][shown].copy()
        for thing, less in zip(gone.thing, gone.count, strict=True):
            count[ids == thing] -= less
        return ids[count > 0], count[count > 0]


_followed: dict[tuple[Path, str], Following] = {}
_turn = threading.Lock()


def root() -> Path:
    """The lake of this city."""
    return Path(settings.CITYLOOM["LAKE_DIR"])


def stores() -> list[Kept]:
    """The stores that have something; where none has, nothing heavy is loaded."""
    found = []
    for who in (tally_file.WEB, tally_file.INGEST):
        told = tally_file.seen(tally_file.folder_of(root(), who))
        told = told[told["count"] > 0]
        if len(told):
            following = _following(who)
            told = _still_there(following, told[np.argsort(told["id"], kind="stable")])
            found.append(Kept(following, told))
    return found


_let_go: dict[Following, tuple[int, NDArray[np.void]]] = {}


def _still_there(following: Following, told: NDArray[np.void]) -> NDArray[np.void]:
    """The tally without what the lake has let go of; that is counted once, and again when more has gone."""
    state = following.look()
    there = sum(one.rows for one in state.files) + sum(len(one.thing) for one in state.parts)
    missing = int(told["count"].sum()) - there
    if missing <= 0:
        return told
    if _let_go.get(following, (0, told))[0] != missing:
        from cityloom.signals.readings import asking

        counted = asking.ends(following, state)
        gone = np.zeros(len(told), told.dtype)
        gone["id"], gone["count"], gone["first_us"] = told["id"], told["count"], told["first_us"]
        here = np.isin(told["id"], counted["id"])
        at = np.searchsorted(counted["id"], told["id"][here])
        gone["count"][here] -= counted["count"][at]
        gone["first_us"][here] = counted["first_us"][at]
        _let_go[following] = missing, gone
    gone = _let_go[following][1]
    left, at = told.copy(), np.searchsorted(gone["id"], told["id"])
    known = (at < len(gone)) & (gone["id"][np.minimum(at, len(gone) - 1)] == told["id"])
    left["count"][known] -= gone["count"][at[known]]
    left["first_us"][known] = np.maximum(gone["first_us"][at[known]], told["first_us"][known])
    return left[left["count"] > 0]


def _following(who: str) -> Following:
    from cityloom.signals.readings.following import Following
    from cityloom.signals.readings.store import OBSERVATIONS, READINGS

    key = root().resolve(), who
    with _turn:
        if key not in _followed:
            for old in [one for one in _followed if one[1] == who]:
                del _followed[old]  # another city took its place
            _followed[key] = Following(key[0], OBSERVATIONS if who == tally_file.WEB else READINGS, who)
        return _followed[key]


def gone(known_us: int | None = None, thing: int | None = None) -> Gone:
    """What was deleted of what lies in columns, by an instant or by now."""
    from cityloom.signals.readings.asking import Gone

    rows: Any = ObservationGone.objects.order_by("datastream_id", "first_us")
    if known_us is not None:
        rows = rows.filter(gone_us__lte=known_us)
    if thing is not None:
        rows = rows.filter(datastream_id=thing)
    columns = list(zip(*rows.values_list("datastream_id", "first_us", "last_us", "count"), strict=True))
    return Gone(*(np.array(one, np.int64) for one in columns)) if columns else Gone()


def hidden(*, private_too: bool) -> Ints:
    """The streams whose observations are not served."""
    if private_too:
        return np.zeros(0, np.int64)
    return np.array(list(Datastream.objects.filter(is_public=False).values_list("id", flat=True)), np.int64)
