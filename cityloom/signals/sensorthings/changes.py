"""Write down what was made or changed, in the transaction that does it, for those who tell subscribers.

While nobody tells anybody, nothing is written down.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db import OperationalError, connection, transaction
from numpy.typing import NDArray

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.sensorthings.entities import BY_TITLE, Entity
from cityloom.signals.domain.sensorthings.narrowing import key_of
from cityloom.signals.models import ChangeFeed
from cityloom.signals.sensorthings import several
from cityloom.signals.sensorthings.reading import Budget, Wanted, source_of
from cityloom.signals.sensorthings.rows import KEY, Columns

_AT_ONCE = 500
_OBSERVATION = BY_TITLE["Observation"]
_INSERT = "INSERT INTO signals_entitychange (title, key, is_new, names, document) VALUES (%s, %s, %s, %s, %s)"


@dataclass
class Change:
    """One entity that was made (no `names`) or whose properties changed; without a `document` it is read later."""

    title: str
    key: int | str
    names: tuple[str, ...] = ()
    document: dict[str, Any] | None = None


@dataclass
class Changes:
    """What was changed so far in one transaction; `within` is what a whole batch has changed."""

    within: Changes | None = None
    noted: list[Change] = field(default_factory=list)
    _titles: frozenset[str] | None = None

    def wants(self, entity: Entity) -> bool:
        """Whether anybody wants to be told of entities of this type."""
        return entity.title in self._wanted_titles()

    def made(self, entity: Entity, keys: Iterable[int | str]) -> None:
        """Note that entities were made."""
        if self.wants(entity):
            self.noted += [Change(entity.title, key) for key in keys]

    def changed(self, entity: Entity, key: int, names: Iterable[str], document: dict[str, Any] | None = None) -> None:
        """Note which properties of an entity changed; `document` is how it is now, where that is known."""
        if self.wants(entity):
            self.noted.append(Change(entity.title, key, tuple(names), document))

    def finish(self) -> None:
        """Write down what was noted as it is now, or leave that to the batch."""
        self._read_documents()
        if self.within is not None:
            self.within.noted += self.noted
        else:
            _write(self.noted)
        self.noted = []

    def _wanted_titles(self) -> frozenset[str]:
        if self.within is not None:
            return self.within._wanted_titles()
        if self._titles is None:
            self._titles = wanted_titles()
        return self._titles

    def _read_documents(self) -> None:
        """Observations do not change, as a rule, and are many: they are read when they are told."""
        bare = [one for one in self.noted if one.document is None and one.title != "Observation"]
        for title in {one.title for one in bare}:
            found = documents(BY_TITLE[title], [one.key for one in bare if one.title == title])
            for one in bare:
                if one.title == title:
                    one.document = found.get(one.key, {})


def wanted_titles() -> frozenset[str]:
    """The types of entities that somebody wants to be told of."""
    return frozenset(name for titles in ChangeFeed.objects.values_list("titles", flat=True)
                     for name in titles.split(","))  # fmt: skip


def note_readings(things: NDArray[np.int64], at_us: NDArray[np.int64]) -> None:
    """Note readings that are about to be kept; where they are not, nobody is told, since they are not found then.

    Raises: Refused `signals.not_noted` where the database does not answer now; the readings can be sent again.
    """
    try:
        if not Changes().wants(_OBSERVATION):  # a transaction for each batch would take turns with the city's records
            return
        with transaction.atomic():
            changes = Changes()
            if changes.wants(_OBSERVATION):
                only = _wanted_streams()
                pairs = zip(things.tolist(), at_us.tolist(), strict=True)
                changes.made(_OBSERVATION, [key_of(one, at) for one, at in pairs if not only or one in only])
                changes.finish()
    except OperationalError as fault:
        connection.close()
        raise Refused("signals.not_noted", "The city's database does not answer, so subscribers could not be told of"
                      " readings; send them again.") from fault  # fmt: skip


def _wanted_streams() -> set[int]:
    """The only streams of whose observations anything is told; none where it is of any."""
    found = [one.split(",") if one else [] for one in ChangeFeed.objects.values_list("streams", flat=True)]
    return {int(key) for one in found for key in one} if all(found) else set()


def documents(entity: Entity, keys: Collection[int | str]) -> dict[int | str, dict[str, Any]]:
    """What everyone may see of entities, by id, with the ids of what they are tied to."""
    ties = tuple(one.name for one in entity.relations if not one.many)
    every = sorted({key for key in keys if isinstance(key, int)})
    found: dict[int | str, dict[str, Any]] = {}
    for start in range(0, len(every), _AT_ONCE):
        some = every[start : start + _AT_ONCE]
        wanted = Wanted(entity, None, some, top=len(some), columns=Columns(None, ties))
        found |= {row[KEY]: row for row in source_of(entity).page(wanted, Budget())}
    texts = {key for key in keys if isinstance(key, str)}
    return found | several.by_ids(Wanted(entity, columns=Columns(None, ties)), texts) if texts else found


def _write(noted: list[Change]) -> None:
    rows = [
        (one.title, str(one.key), not one.names, ",".join(one.names)[:300],
         json.dumps(one.document, ensure_ascii=False, separators=(",", ":")) if one.document else None)
        for one in noted if one.document != {}
    ]  # fmt: skip
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_INSERT, rows)
