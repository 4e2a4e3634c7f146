"""What each method does with an address of the SensorThings service."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from django.db import DataError, IntegrityError, OperationalError, connection, transaction

from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.signals.api.requests import JSON_PATCH, Answer, Asked, refused
from cityloom.signals.domain.reading import microseconds
from cityloom.signals.domain.sensorthings import addresses, options, times
from cityloom.signals.domain.sensorthings.addresses import Address
from cityloom.signals.domain.sensorthings.conformance import settings
from cityloom.signals.domain.sensorthings.entities import ENTITIES
from cityloom.signals.domain.sensorthings.options import Options
from cityloom.signals.policies import Writer, check_can_change
from cityloom.signals.sensorthings import forgetting, limit, telling, uploading, writing
from cityloom.signals.sensorthings.answering import Answerer, Place, as_arrays, resolve
from cityloom.signals.sensorthings.reading import Budget
from cityloom.signals.sensorthings.rows import KEY
from cityloom.ui.words import sentence_of

UPLOAD = "CreateObservations"
_ARRAY_PARTS = (KEY, "phenomenonTime", "result", "resultTime")


def answer(asked: Asked) -> Answer:
    """Do what is asked, or say why not; what changes anything is done wholly or not at all."""
    try:
        verb = _VERBS.get(asked.method)
        if verb is None:
            raise Refused("signals.sta_method", "{value} cannot be done here.", value=asked.method[:10])
        if asked.method in ("GET", "HEAD"):
            with limit.longest(limit.LONGEST_S), transaction.atomic() if connection.in_atomic_block else nullcontext():
                return verb(asked)
        with transaction.atomic():  # within another one a savepoint, to which a fault of the database goes back
            return verb(asked)
    except Refused as refusal:
        return refused(refusal)
    except (DataError, IntegrityError):
        return refused(_impossible())
    except OperationalError as fault:
        if "user-defined" not in str(fault) and "too" not in str(fault):
            raise
        return refused(_impossible())


def _impossible() -> Refused:
    return Refused("signals.sta_impossible", "The database cannot work that out; check that numbers and times in the"
                   " request are of a usual size.")  # fmt: skip


def _get(asked: Asked) -> Answer:
    if not asked.path:
        return Answer(document=_root(asked.root))
    wanted = options.read(asked.pairs)
    if wanted.as_of is None:
        return _found(asked, wanted)
    if wanted.as_of > microseconds(clock.now()):
        raise Refused("signals.sta_as_of", "What will be known at {value} is not known yet; ask for an instant up to"
                      " now.", value=times.text_of(wanted.as_of))  # fmt: skip
    return replace(_found(asked, wanted), as_of=times.text_of(wanted.as_of))


def _found(asked: Asked, wanted: Options) -> Answer:
    address = addresses.read(asked.path)
    sees_all = asked.writer is not None and asked.writer.thing_id is None
    answerer = Answerer(asked.root, Budget(private_too=sees_all, known_us=wanted.as_of))
    place = resolve(address, asked.path, answerer.budget)
    if address.is_ref:
        return Answer(document=answerer.refs(place, wanted, asked.path))
    if place.id is None:
        return Answer(document=_set(answerer, place, wanted, asked))
    if address.inside:
        return _inside(answerer, address, place, asked.path)
    document = answerer.one(place.entity, place.id, wanted)
    if document is None:
        raise addresses.nowhere(asked.path)
    return Answer(document=document)


def _set(answerer: Answerer, place: Place, wanted: Options, asked: Asked) -> dict[str, Any]:
    if wanted.apply is not None:
        return answerer.sums(place, wanted, asked.path)
    if not wanted.as_array or place.entity.title != "Observation":
        return answerer.set_(place, wanted, asked.path)
    shown = options.with_streams(wanted, KEY)
    parts = wanted.select or _ARRAY_PARTS
    return as_arrays(answerer.set_(place, shown, asked.path), asked.root, parts)


def _inside(answerer: Answerer, address: Address, place: Place, path: str) -> Answer:
    """One property of an entity, or what lies inside it; null is there, what is not known is not."""
    name, *rest = address.inside
    document = answerer.one(place.entity, place.id or 0, Options(select=(name,)))
    if document is None or name not in document:
        raise addresses.nowhere(path)
    value = document[name]
    for step in rest:
        if not isinstance(value, dict) or step not in value:
            raise addresses.nowhere(path)
        value = value[step]
    if not address.is_value:
        return Answer(document={address.inside[-1]: value})
    return Answer(text=value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _post(asked: Asked) -> Answer:
    work = _work(asked)
    if asked.path == UPLOAD:
        outcomes = uploading.upload(work, asked.document())
        return Answer(201, list(links(outcomes, asked.root)))
    address = addresses.read(asked.path)
    if address.is_ref or not address.is_set:
        raise Refused("signals.sta_method", "{value} cannot be done here.", value="POST")
    place = resolve(address, asked.path, Budget(private_too=True))
    inside = place.within
    given = {inside.relation.inverse: inside.id} if inside else {}
    key = writing.create(work, place.entity, asked.document(), given)
    work.finish()
    link = f"{asked.root}/{place.entity.name}({key})"
    return Answer(201, {KEY: key, "@iot.selfLink": link}, location=link)


def _change(asked: Asked) -> Answer:
    work = _work(asked)
    check_can_change(work.by)
    place = _one(asked)
    forgetting.check_can_change(place.id)
    if asked.method == "PATCH" and asked.content_type == JSON_PATCH:
        writing.patch(work, place.entity, place.id or 0, asked.document())
    else:
        writing.change(work, place.entity, place.id or 0, asked.document(), whole=asked.method == "PUT")
    work.finish()
    link = f"{asked.root}/{place.entity.name}({place.id})"
    return Answer(200, {KEY: place.id, "@iot.selfLink": link})


def _delete(asked: Asked) -> Answer:
    work = _work(asked)
    check_can_change(work.by)
    place = _one(asked)
    if isinstance(place.id, str):
        forgetting.forget_one(place.id)
    else:
        writing.remove(work, place.entity, place.id or 0)
    return Answer(200)


def _one(asked: Asked) -> Place:
    address = addresses.read(asked.path)
    if address.is_ref or address.inside or address.is_set:
        raise Refused("signals.sta_method", "{value} cannot be done here.", value=asked.method)
    return resolve(address, asked.path, Budget(private_too=True))


def _work(asked: Asked) -> writing.Writing:
    by = writer(asked)
    return asked.whole.part() if asked.whole is not None else writing.Writing(by, clock.now())


def writer(asked: Asked) -> Writer:
    """Whose key came with a request. Raises: Refused `signals.key_missing`."""
    if asked.writer is None:
        raise Refused("signals.key_missing", "Writing needs a key: send it as “Authorization: Bearer …”; an operator"
                      " makes one with “cityloom sensor key”.")  # fmt: skip
    return asked.writer


def links(outcomes: Sequence[uploading.Outcome], root: str) -> Iterator[str]:
    """What is said of each observation of an upload: its link, or why there is none."""
    for one in outcomes:
        if isinstance(one, str):
            yield f"{root}/Observations('{one}')"
        else:
            yield f"{root}/Observations({one})" if isinstance(one, int) else f"error: {sentence_of(one)}"


def _root(root: str) -> dict[str, Any]:
    return {
        "value": [{"name": entity.name, "url": f"{root}/{entity.name}"} for entity in ENTITIES],
        "serverSettings": settings(telling.brokers()),
    }


_VERBS: dict[str, Callable[[Asked], Answer]] = {
    "GET": _get, "HEAD": _get, "POST": _post, "PATCH": _change, "PUT": _change, "DELETE": _delete,
}  # fmt: skip
