"""The rule packs that a city has put in force, on the readings that are watched: what fires is a detection."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import DatabaseError, transaction
from numpy.typing import NDArray

from cityloom.bus import actions as bus
from cityloom.detection.domain.holding import Rows
from cityloom.detection.domain.moment import LATE, UNREADABLE
from cityloom.detection.domain.pack import Condition, pack_of
from cityloom.detection.domain.running import Firing, Kept, Running
from cityloom.detection.events import DetectionRaised
from cityloom.detection.models import Detection
from cityloom.detection.trust import packs
from cityloom.detection.watching import found
from cityloom.detection.watching.watch import Columns, Judged, Watch
from cityloom.kernel import clock, ids
from cityloom.kernel.geometry import distance_m
from cityloom.kernel.refused import Refused

log = logging.getLogger(__name__)
_LOOK_S = 5.0
_OLDEST_S = 86_400.0
"""What would have fired longer ago is not told."""
_LEAST_RADIUS_M = 25.0
_SCORE = 0.0


@dataclass
class _AtWork:
    """A pack, and what its streams were when it learnt of them."""

    digest: str
    running: Running
    kinds: NDArray[np.object_]


class Rules:
    """Runs the packs that are in force; a pack that is changed begins anew."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._at_work: dict[str, _AtWork] = {}
        self._fired: list[tuple[str, Firing]] = []
        self._causes: tuple[str, ...] = ()
        self._looked_at = -_LOOK_S
        self.look(watch.now())

    def look(self, at: datetime) -> None:
        """See which packs are in force, and what streams there are."""
        if clock.stopwatch() - self._looked_at < _LOOK_S:
            return
        self._looked_at = clock.stopwatch()
        now = {} if self._watch.exercise_id else {name: one.text for name, one in packs.rules_in_force().items()}
        self._causes = tuple(packs.written(text).name for text in packs.causes_in_force())
        for name in self._at_work.keys() - now.keys():
            del self._at_work[name]
        for name, text in now.items():
            digest = hashlib.sha256(text.encode()).hexdigest()[:16]
            known = self._at_work.get(name)
            if known is None or known.digest != digest:
                self._begin(name, text, digest)
            else:
                self._renew(known)

    def note(self, judged: Judged) -> None:
        """Take readings that were judged; what came late says nothing here."""
        if not self._at_work:
            return
        reason, serves = judged.scores.reason, self._watch.in_service[judged.stream]
        chosen = np.flatnonzero((reason != LATE) & (reason != UNREADABLE) & serves)
        stream = judged.stream[chosen]
        if len(stream) and (np.diff(stream) < 0).any():
            chosen = chosen[np.argsort(stream, kind="stable")]
        rows = Rows(judged.stream[chosen], judged.at_s[chosen], judged.value[chosen], judged.scores.z[chosen])
        self._advance(rows)

    def tell(self, at: datetime) -> None:
        """Raise what has fired; what cannot be raised now is raised later."""
        if self._at_work:
            nothing = np.zeros(0)
            self._advance(Rows(nothing.astype(np.int64), nothing, nothing, nothing))
        fired, self._fired = self._fired, []
        for place, (name, firing) in enumerate(fired):
            try:
                self._raise(name, firing, at)
            except DatabaseError:
                log.exception("what has fired is told later")
                self._fired = fired[place:]
                return

    def save(self) -> Kept:
        """What the packs remember, by name and digest."""
        return {f"{name}/{one.digest}/{part}": each for name, one in self._at_work.items()
                for part, each in one.running.save().items()}  # fmt: skip

    def _begin(self, name: str, text: str, digest: str) -> None:
        try:
            running = Running(pack_of(text))
        except Refused as refusal:
            log.warning("the pack %s: %s", name, refusal.code)
            return
        running.know(self._watch.streams)
        start = f"{name}/{digest}/"
        kept = {part.removeprefix(start): each for part, each in self._watch.learnt.rules.items()
                if part.startswith(start)}  # fmt: skip
        if kept:
            running.load(kept)
        self._at_work[name] = _AtWork(digest, running, self._watch.streams.kind)

    def _renew(self, known: _AtWork) -> None:
        """Learn of new streams; where some were of no kind before, begin anew."""
        kind, before = self._watch.streams.kind, known.kinds
        if kind is before:
            return
        known.kinds = kind
        if ((before == "") & (kind[: len(before)] != "")).any():
            fresh = Running(known.running.pack)
            fresh.know(self._watch.streams)
            known.running = fresh
        elif len(kind) > len(before):
            known.running.know(self._watch.streams)

    def _advance(self, rows: Rows) -> None:
        until_s = self._watch.as_of(self._watch.now().timestamp())
        for name, one in self._at_work.items():
            if len(self._watch.streams.kind) != len(one.kinds):
                self._renew(one)
            for firing in one.running.advance(rows, until_s):
                if firing.at_s > until_s - _OLDEST_S and self._watch.in_service[list(firing.streams)].all():
                    self._fired.append((name, firing))

    def _raise(self, name: str, firing: Firing, at: datetime) -> None:
        """Write a detection and its event; the same firing is the same detection."""
        streams, learnt = self._watch.streams, self._watch.learnt
        when = datetime.fromtimestamp(firing.at_s, at.tzinfo)
        evidence = [self._evidence(stream, when) for stream in firing.streams]
        lon, lat = (float(np.mean([item[axis] for item in evidence])) for axis in ("lon", "lat"))
        if self._is_told(firing, evidence, when):
            return
        keys = [str(learnt.ids[stream]) for stream in firing.streams]
        key = ids.named_id("detection", name, firing.rule.name, clock.to_text(when), *keys)
        with transaction.atomic():
            _, is_new = Detection.objects.get_or_create(id=key, defaults={
                "category": name, "rule": firing.rule.name, "lon": round(lon, 7), "lat": round(lat, 7),
                "radius_m": _radius(lon, lat, streams, firing), "first_at": when, "last_at": when, "raised_at": at,
                "score": _SCORE, "evidence": evidence,
            })  # fmt: skip
            if is_new:
                event = DetectionRaised(key, name, lon, lat, _SCORE, when, at)
                bus.publish(event, at=at, event_id=ids.named_id("raised", key))

    def _is_told(self, firing: Firing, evidence: list[dict[str, object]], when: datetime) -> bool:
        """Whether a cause is told already for which these very streams speak; that one is silent is another matter."""
        if not self._causes or _is_of_sensors(firing.rule.when):
            return False
        return found.is_told([str(item["source"]) for item in evidence], self._causes, when)

    def _evidence(self, stream: int, when: datetime) -> dict[str, object]:
        """What a stream says now, beside what was usual of it."""
        streams, learnt = self._watch.streams, self._watch.learnt
        value, spread = float(learnt.baseline.column("value")[stream]), float(learnt.spread[stream])
        expected = float(learnt.expected[stream]) if spread > 0 else None
        z = round((value - expected) / spread, 2) if expected is not None else None
        return {
            "kind": str(streams.kind[stream]), "source": f"datastream:{learnt.ids[stream]}",
            "lon": float(streams.lon[stream]), "lat": float(streams.lat[stream]), "at": clock.to_text(when),
            "weight": 0.0, "value": value, "unit": str(streams.unit[stream]), "baseline": expected, "z": z,
        }  # fmt: skip


def _is_of_sensors(condition: Condition) -> bool:
    """Whether a rule looks at how sensors work, not at what they say."""
    return condition.form in ("silent", "unchanged") or any(_is_of_sensors(one) for one in condition.inner)


def _radius(lon: float, lat: float, streams: Columns, firing: Firing) -> float:
    reach = [distance_m(lon, lat, float(streams.lon[one]), float(streams.lat[one])) for one in firing.streams]
    return round(max(*reach, _LEAST_RADIUS_M), 1)
