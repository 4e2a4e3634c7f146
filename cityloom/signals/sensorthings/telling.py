"""Tell subscribers what was made or changed: what waits, in its order, as messages; each until it was received.

A change that was told goes only then. So nothing is lost where the broker is away or this process ends, and what was
on its way then is told twice.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import Max, Min

from cityloom.kernel import ids
from cityloom.signals.domain.sensorthings import topics
from cityloom.signals.domain.sensorthings.entities import BY_TITLE, Entity, Relation
from cityloom.signals.domain.sensorthings.exchanging import Exchange, Told
from cityloom.signals.domain.sensorthings.options import Options
from cityloom.signals.domain.sensorthings.topics import Template
from cityloom.signals.models import ChangeFeed, EntityChange, TakenMessage
from cityloom.signals.sensorthings.answering import Answerer
from cityloom.signals.sensorthings.changes import Change, documents
from cityloom.signals.sensorthings.reading import Budget, Wanted, Within, source_of
from cityloom.signals.sensorthings.rows import KEY, Columns
from cityloom.signals.sensorthings.terms import is_postgresql, listed

log = logging.getLogger(__name__)
AT_ONCE = 500
MOST_WAITING = 5_000_000
_DROPPED_AT_ONCE = 20_000
MOST_FORMS = 300
_MOST_PARENTS = 1_000
_KEPT = timedelta(days=7)
"""How long changes wait for somebody to tell them; after that nobody is expected to come."""
FEED = "mqtt"


@dataclass
class Teller:
    """Tells what an exchange says is told; one process at a time."""

    exchange: Exchange
    out: set[int] = field(default_factory=set)
    """Positions that were handed out and are not yet known to be received."""

    def begin(self, at: datetime) -> None:
        """From now on changes are written down; what waits from before is told first."""
        before = ChangeFeed.objects.filter(name=FEED).values_list("asked", flat=True).first() or ""
        if self.exchange.listen:
            self._also(topics.read(text) for text in before.splitlines())
        says = self._wanted() | {"broker": self.exchange.broker, "takes": bool(self.exchange.take), "seen_at": at}
        ChangeFeed.objects.update_or_create(name=FEED, defaults=says)

    def _wanted(self) -> dict[str, str]:
        """What has to be written down for this to be told."""
        return {"titles": ",".join(self.exchange.titles), "streams": ",".join(map(str, self.exchange.streams))}

    def asked(self, payloads: Iterable[bytes]) -> None:
        """From now on tell what somebody asks for, as the broker says, if it was not told already."""
        if self._also(template for payload in payloads for template in self.exchange.asked_in(payload)):
            lines = "\n".join(one.text for one in self.exchange.tell)
            ChangeFeed.objects.filter(name=FEED).update(asked=lines, **self._wanted())

    def _also(self, templates: Iterable[Template]) -> bool:
        """Whether there is anything new."""
        known = {one.text: one for one in self.exchange.tell}
        every = known | {one.text: one for one in templates}
        self.exchange = replace(self.exchange, tell=tuple(every.values())[:MOST_FORMS])
        return len(self.exchange.tell) > len(known)

    def seen(self, at: datetime) -> None:
        """Say that somebody is here who tells."""
        ChangeFeed.objects.filter(name=FEED).update(seen_at=at)

    def waiting(self) -> list[Told]:
        """The next messages; a change of which nobody is told is done with at once."""
        rows = _rows(self.out)
        found = _with_documents(rows)
        parents = _Parents(found)
        told = [one for position, change in found for one in self._messages_or_none(position, change, parents)]
        silent = {position for position, _ in rows} - {one.position for one in told}
        self.settle(silent)
        self.out |= {one.position for one in told}
        return told

    def settle(self, positions: Iterable[int]) -> None:
        """Forget changes that were told."""
        done = list(positions)
        if done:
            term = listed("position", done)
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"DELETE FROM signals_entitychange WHERE {term.sql}", term.parameters)  # noqa: S608 - names of ours
            self.out.difference_update(done)

    def _messages_or_none(self, position: int, change: Change, parents: _Parents) -> list[Told]:
        """What cannot be told by a defect of ours must not hold up all that comes after it."""
        try:
            return self._messages(position, change, parents)
        except OperationalError:
            raise
        except Exception:
            log.exception("a change of %s cannot be told; reference %s", change.title, ids.new_ulid())
            return []

    def _messages(self, position: int, change: Change, parents: _Parents) -> list[Told]:
        answerer = Answerer(self.exchange.root, Budget())
        entity = BY_TITLE[change.title]
        whole: dict[tuple[str, ...], bytes] = {}
        told = []
        for template in self.exchange.tell:
            if template.entity is not entity:
                continue
            for topic, name in topics.topics(template, change.key, change.names, parents.of(change)):
                if name:
                    payload = _json({name: (change.document or {}).get(name)})
                else:
                    if template.select not in whole:
                        whole[template.select] = _json(_chosen(answerer, entity, change, template.select))
                    payload = whole[template.select]
                told.append(Told(position, self.exchange.prefix + topic, payload))
        return told


def brokers() -> list[tuple[str, bool]]:
    """The addresses of brokers at which changes are told, and whether entities can be made there, too."""
    return list(ChangeFeed.objects.values_list("broker", "takes"))


def end(at: datetime) -> int:
    """Tell nobody any more; return how many changes waited to be told."""
    with transaction.atomic():
        ChangeFeed.objects.filter(name=FEED).delete()
        TakenMessage.objects.all().delete()
        return EntityChange.objects.all()._raw_delete("default") or 0


def end_if_left(at: datetime) -> int:
    """End it where nobody has told anything for a week, and drop the oldest of too many; return how many went."""
    if ChangeFeed.objects.filter(name=FEED, seen_at__lt=at - _KEPT).exists():
        return end(at)
    ends = EntityChange.objects.aggregate(first=Min("position"), last=Max("position"))
    if not ends["last"] or ends["last"] - ends["first"] < MOST_WAITING:
        return 0
    old = EntityChange.objects.filter(position__lte=ends["last"] - MOST_WAITING // 2, position__gte=ends["first"])
    gone = old.filter(position__lte=ends["first"] + _DROPPED_AT_ONCE)._raw_delete("default") or 0
    log.warning("%s changes wait to be told, more than there may be; the oldest go untold", MOST_WAITING)
    return gone


class _Parents:
    """From which entities a way leads to another one, asked once each."""

    def __init__(self, changes: Sequence[tuple[int, Change]]) -> None:
        self._known: dict[tuple[str, str, int | str], list[int]] = {}
        self._change: Change | None = None

    def of(self, change: Change) -> topics.Parents:
        """Ask on behalf of a change, which itself knows what it is tied to."""
        self._change = change
        return self._find

    def _find(self, relation: Relation, source: Entity, target: Entity, key: int | str) -> list[int]:
        change = self._change
        tie = f">{relation.inverse}"
        if change and change.document and (target.title, key) == (change.title, change.key) and tie in change.document:
            one = change.document[tie]
            return [] if one is None else [one]
        place = (source.title, relation.name, key)
        if place not in self._known:
            self._known[place] = _parents(relation, source, target, key)
        return self._known[place]


def _parents(relation: Relation, source: Entity, target: Entity, key: int | str) -> list[int]:
    back = target.relation_named(relation.inverse)
    if back is None:
        raise LookupError(relation.inverse)
    if back.many:
        inside = Within(back, target, key)
        wanted = Wanted(source, inside, top=_MOST_PARENTS, columns=Columns(frozenset()))
        return [row[KEY] for row in source_of(source).page(wanted, Budget())[:_MOST_PARENTS]]
    wanted = Wanted(target, None, [key], top=1, columns=Columns(frozenset(), (back.name,)))
    return [row[f">{back.name}"] for row in source_of(target).page(wanted, Budget()) if row[f">{back.name}"]]


def _rows(out: set[int]) -> list[tuple[int, Change]]:
    """What waits and was not handed out; on PostgreSQL a lower position may come after a higher one."""
    away = "position <> ALL(%s::bigint[])" if is_postgresql() else "position NOT IN (SELECT value FROM json_each(%s))"
    given: Any = list(out) if is_postgresql() else json.dumps(list(out))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT position, title, key, is_new, names, document FROM signals_entitychange WHERE {away}"  # noqa: S608 - names of ours
            " ORDER BY position LIMIT %s", [given, AT_ONCE],
        )  # fmt: skip
        rows = cursor.fetchall()
    return [
        (row[0], Change(row[1], _key(row[2]), tuple(row[4].split(",")) if row[4] else (),
                        json.loads(row[5]) if row[5] else None))
        for row in rows
    ]  # fmt: skip


def _key(text: str) -> int | str:
    """An id as it is elsewhere: a number, or a text where an observation lies in columns."""
    return int(text) if text.isdecimal() else text


def _with_documents(rows: list[tuple[int, Change]]) -> list[tuple[int, Change]]:
    """Those that can be shown: what has gone since, or may not be seen by everyone, is not told."""
    bare: dict[str, set[int | str]] = {}
    for _, change in rows:
        if change.document is None:
            bare.setdefault(change.title, set()).add(change.key)
    found = {title: documents(BY_TITLE[title], keys) for title, keys in bare.items()}
    shown = []
    for position, change in rows:
        document = change.document or found[change.title].get(change.key)
        if document is not None:
            shown.append((position, replace(change, document=document)))
    return shown


def _chosen(answerer: Answerer, entity: Entity, change: Change, names: tuple[str, ...]) -> dict[str, Any]:
    """The entity as it is answered over HTTP, or what is selected of it."""
    document = change.document or {}
    shown = {name: value for name, value in document.items() if name in names or name == KEY} if names else document
    return answerer.dressed(entity, shown, Options(select=names))


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
