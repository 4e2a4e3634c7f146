"""The book of pairs: which entries may be one, what was decided of them, and what was known of it on a day."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import models, transaction
from django.db.models import F, Q, prefetch_related_objects
from django.db.models.functions import Abs

from cityloom.kernel.refused import Refused
from cityloom.registers.domain.reviewing import (
    DIFFERENT,
    JOINED,
    REVIEW,
    SAME,
    UNDONE,
    PairFacts,
    Step,
    neighbours,
    one_with,
    reached,
)
from cityloom.registers.models import LinkDecision, Load, RecordLink, Source

_AT_ONCE = 500
_FARTHEST = 20
_RENEWED = ("weight", "probability", "parts", "left_record", "right_record", "state", "is_compared")


def found(register: str, pairs: Sequence[RecordLink], *, at: datetime, by: str) -> dict[str, int]:
    """Keep pairs that were found; one that is known already gets its new weight, and keeps what was decided of it.

    A pair that was certain and is no more goes to review. Returns how many are new, by state.
    """
    known = {(link.left_key, link.right_key): link for link in _known(register, pairs)}
    new: list[RecordLink] = []
    renewed: list[RecordLink] = []
    moved: list[RecordLink] = []
    for pair in pairs:
        before = known.get((pair.left_key, pair.right_key))
        if before is None:
            pair.is_compared = pair.state not in JOINED
            new.append(pair)
        elif _is_news(before, pair):
            state = before.state
            renewed.append(_renewed(before, pair))
            moved += [before] if before.state != state else []
    with transaction.atomic():
        RecordLink.objects.bulk_update(renewed, _RENEWED, batch_size=_AT_ONCE)
        made = RecordLink.objects.bulk_create(new, batch_size=_AT_ONCE)
        steps = [LinkDecision(link=link, state=link.state, by=by, at=at) for link in [*made, *moved]]
        LinkDecision.objects.bulk_create(steps, batch_size=_AT_ONCE)
    states = [link.state for link in made]
    return {state: states.count(state) for state in set(states)}


def _known(register: str, pairs: Sequence[RecordLink]) -> list[RecordLink]:
    keys = [pair.left_key for pair in pairs]
    parts = [keys[first : first + _AT_ONCE] for first in range(0, len(keys), _AT_ONCE)]
    return [link for part in parts for link in RecordLink.objects.filter(register=register, left_key__in=part)]


def _is_news(before: RecordLink, pair: RecordLink) -> bool:
    return (before.left_record, before.right_record) != (pair.left_record, pair.right_record) or abs(
        before.weight - pair.weight) > 0.01  # fmt: skip


def _renewed(before: RecordLink, pair: RecordLink) -> RecordLink:
    for name in _RENEWED[:-2]:
        setattr(before, name, getattr(pair, name))
    if before.state not in (SAME, DIFFERENT, UNDONE):
        _move(before, pair.state)
    return before


def _move(link: RecordLink, state: str) -> None:
    """Give a pair another state; what both say is compared anew where that joins or parts them."""
    link.is_compared = link.is_compared and (link.state in JOINED) == (state in JOINED)
    link.state = state


def decide(number: int, state: str, *, reason: str, by: str, at: datetime) -> None:
    """Write down what was decided; earlier decisions stay.

    Raises: Refused `linkage.no_pair`, `linkage.not_joined`, `linkage.decided`.
    """
    with transaction.atomic():
        link = RecordLink.objects.select_for_update().filter(id=number).first()
        if link is None:
            raise _no_pair(number)
        if state == UNDONE and link.state not in JOINED:
            raise Refused("linkage.not_joined", "These entries are not joined, so there is nothing to undo.")
        if link.state == state or (state == DIFFERENT and link.state in JOINED):
            raise Refused("linkage.decided", "This pair was decided before; undo the join first if it is wrong.")
        _move(link, state)
        link.save(update_fields=["state", "is_compared"])
        LinkDecision.objects.create(link=link, state=state, by=by, at=at, reason=reason)


def note_opened(number: int, *, reason: str, by: str, at: datetime) -> None:
    """Write down why somebody looked at what a pair says; its state stays."""
    LinkDecision.objects.create(link_id=number, state=REVIEW, by=by, at=at, reason=reason)


def forget(load: int) -> None:
    """Remove the pairs that an unfinished load of people found; nobody has seen them."""
    within = (load << 32, (load + 1 << 32) - 1)
    left = RecordLink.objects.filter(Q(left_record__range=within) | Q(right_record__range=within), register="people")
    numbers = list(left.values_list("id", flat=True))
    for first in range(0, len(numbers), _AT_ONCE):
        some = numbers[first : first + _AT_ONCE]
        LinkDecision.objects.filter(link__in=some).delete()
        RecordLink.objects.filter(id__in=some).delete()


def _seen() -> models.QuerySet[RecordLink]:
    """The pairs of loads that are known."""
    last = Load.objects.filter(state=Load.DONE).aggregate(last=models.Max("number"))["last"] or 0
    known = last + 1 << 32
    return RecordLink.objects.filter(left_record__lt=known, right_record__lt=known)


def one(number: int) -> PairFacts:
    """One pair with all that was decided of it. Raises: Refused `linkage.no_pair`."""
    link = _seen().filter(id=number).first()
    if link is None:
        raise _no_pair(number)
    return _facts([link])[0]


def _no_pair(number: int) -> Refused:
    return Refused("linkage.no_pair", "There is no pair {value}; go back to the list.", value=number)


def waiting(register: str, limit: int) -> list[PairFacts]:
    """Pairs to be reviewed: those that wait longest first, and of these the least certain."""
    asked = _seen().filter(state=REVIEW)
    asked = asked.filter(register=register) if register else asked
    return _facts(list(asked.order_by("found_at", Abs(F("probability") - 0.5), "id")[:limit]))


def next_after(number: int) -> int:
    """The pair that comes after one in the queue, the first where it is the last; 0 where none waits."""
    queue = list(_seen().filter(state=REVIEW).order_by("found_at", Abs(F("probability") - 0.5), "id")
                 .values_list("id", flat=True)[:5_000])  # fmt: skip
    others = [other for other in queue if other != number]
    if number in queue and queue.index(number) + 1 < len(queue):
        return queue[queue.index(number) + 1]
    return others[0] if others else 0


def counts(register: str = "") -> dict[str, int]:
    """How many pairs are in each state."""
    asked = _seen().filter(register=register) if register else _seen()
    states = list(asked.values_list("state", flat=True))
    return {state: states.count(state) for state in sorted(set(states))}


def lately_joined(limit: int) -> list[PairFacts]:
    """The pairs that were joined last."""
    return _facts(list(_seen().filter(state__in=JOINED).order_by("-id")[:limit]))


def of_entry(register: str, key: str, known_at: datetime | None = None) -> tuple[list[str], list[PairFacts]]:
    """The keys that are one entry with a key as it was known at an instant, and the joined pairs that say so."""
    keys: Collection[str] = {key}
    pairs: list[PairFacts] = []
    for _step in range(_FARTHEST):
        pairs = [pair for pair in _facts(_links_of(register, sorted(keys))) if pair.state_at(known_at) in JOINED]
        wider = {key, *one_with(key, [pair.keys for pair in pairs])}
        if wider == keys:
            break
        keys = wider
    return sorted(set(keys) - {key}), pairs


def joined(register: str, keys: Collection[str]) -> dict[str, set[str]]:
    """For each of these keys, and each that is one with it, all keys that are one with it; none for what is alone."""
    near: dict[str, set[str]] = {}
    seen: set[str] = set()
    further = set(keys)
    while further:
        seen |= further
        for key, others in neighbours(_joins_of(register, sorted(further))).items():
            near.setdefault(key, set()).update(others)
        further = near.keys() - seen
    return {key: reached(key, near) - {key} for key in near}


def _links_of(register: str, keys: Sequence[str]) -> list[RecordLink]:
    """The pairs that a few keys are part of, on either side: each side has its index, which OR would hide."""
    asked = RecordLink.objects.filter(register=register)
    links = [link for side in ("left_key__in", "right_key__in") for link in asked.filter(**{side: keys})]
    return sorted({link.id: link for link in links}.values(), key=lambda link: link.id)


def _joins_of(register: str, keys: Sequence[str]) -> list[tuple[str, str]]:
    """The joined pairs that these keys are part of, on either side: each has its index, which the state would hide."""
    asked = RecordLink.objects.filter(register=register)
    parts = [keys[first : first + _AT_ONCE] for first in range(0, len(keys), _AT_ONCE)]
    return [(pair[0], pair[1]) for part in parts for side in ("left_key__in", "right_key__in")
            for *pair, state in asked.filter(**{side: part}).values_list("left_key", "right_key", "state")
            if state in JOINED]  # fmt: skip


def _facts(links: Collection[RecordLink]) -> list[PairFacts]:
    names = dict(Source.objects.values_list("id", "name"))
    prefetch_related_objects(list(links), "decisions")
    return [PairFacts(
        link.id, link.register, (link.left_key, link.right_key), (link.left_record, link.right_record),
        (names.get(link.left_source, ""), names.get(link.right_source, "")), link.weight, link.probability,
        tuple((name, held, bits) for name, held, bits in link.parts), link.state, link.found_at,
        _steps(link),
    ) for link in links]  # fmt: skip


def _steps(link: RecordLink) -> tuple[Step, ...]:
    steps = sorted(link.decisions.all(), key=lambda step: step.id)
    return tuple(Step(step.state, step.by, step.at, step.reason) for step in steps)
