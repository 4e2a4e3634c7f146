"""Rules and causes on a recording: when they would have fired, or been told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cityloom.detection.domain import firing, replaying
from cityloom.detection.domain.cause import Cause
from cityloom.detection.domain.evidence import Call
from cityloom.detection.domain.firing import Fired, Recorded
from cityloom.detection.domain.pack import Pack
from cityloom.detection.domain.said import heard
from cityloom.detection.trust.networks import Networks


def by_rule(pack: Pack | Cause, recorded: Recorded, calls: Sequence[Call]) -> Iterator[tuple[str, list[Fired]]]:
    """When each rule would have fired, one after the other; a cause is one rule, with the streams that spoke for it.

    Raises: Refused like `firing.fired`.
    """
    if isinstance(pack, Pack):
        yield from firing.by_rule(pack, recorded)
        return
    categories = {told.category for told in pack.calls}
    ours = heard([call for call in calls if call.category in categories])
    found = replaying.would_tell(pack, recorded, ours, Networks().get)
    yield pack.name, [Fired(one.at.timestamp(), tuple(item.source for item in one.evidence if item.weight > 0))
                      for one in found]  # fmt: skip


def rules_of(pack: Pack | Cause) -> Sequence[object]:
    """What `by_rule` goes through: each has a name and a title."""
    return pack.rules if isinstance(pack, Pack) else (pack,)
