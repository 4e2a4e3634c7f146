"""Keys with which devices write; a key itself is shown once and kept as a digest only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

from cityloom.kernel import ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.signals.models import DeviceKey, Thing
from cityloom.signals.policies import Writer, check_can_make_key

_LONGEST_OWNER = 80
_LONGEST_KEY = 200


def make_key(
    *, owner: str, thing_id: int | None = None, chooses_ids: bool = False, by: Actor, at: datetime
) -> str:  # fmt: skip
    """Make a key for a device or a client; return it, for the only time.

    Raises: Refused `signals.role`, `signals.key_owner`, `signals.key_ids`, `signals.no_thing`.
    """
    check_can_make_key(by)
    if not owner.strip() or len(owner) > _LONGEST_OWNER:
        raise Refused("signals.key_owner", "A key needs an owner of 1 to {limit} characters: the unit or the company"
                      " that answers for what is sent with it.", limit=_LONGEST_OWNER)  # fmt: skip
    if thing_id is not None and chooses_ids:
        raise Refused("signals.key_ids", "A key of one thing does not choose ids; make a key of a wider scope, or"
                      " without ids.")  # fmt: skip
    if thing_id is not None and not Thing.objects.filter(pk=thing_id).exists():
        raise Refused("signals.no_thing", "There is no thing {value}.", value=thing_id)
    key = f"clk_{ids.random_token()}"
    DeviceKey.objects.create(
        id=ids.new_ulid(), digest=_digest(key), owner=owner.strip(), thing_id=thing_id, made_by=by.account, made_at=at,
        chooses_ids=chooses_ids,
    )  # fmt: skip
    return key


def end_key(*, key_id: str, by: Actor, at: datetime) -> None:
    """End a key at once. Raises: Refused `signals.role`, `signals.no_key`."""
    check_can_make_key(by)
    if not DeviceKey.objects.filter(pk=key_id, ended_at=None).update(ended_at=at):
        raise Refused("signals.no_key", "There is no key {value} in use.", value=key_id[:26])


def writer_of(key: str) -> Writer:
    """Whose key it is. Raises: Refused `signals.key_unknown`."""
    row = DeviceKey.objects.filter(digest=_digest(key), ended_at=None).first() if len(key) <= _LONGEST_KEY else None
    if row is None:
        raise Refused("signals.key_unknown", "This key is not known or has been ended; ask an operator for a new one.")
    return _writer(row)


def writers_by_id(key_ids: Iterable[str]) -> dict[str, Writer]:
    """Whose keys these are, of those that are in use."""
    rows = DeviceKey.objects.filter(pk__in=list(key_ids), ended_at=None)
    return {row.id: _writer(row) for row in rows}


def _writer(row: DeviceKey) -> Writer:
    return Writer(row.id, row.owner, row.thing_id, row.chooses_ids)


def _digest(key: str) -> str:
    """Keys are 32 random bytes, so a plain digest tells nothing about them."""
    return hashlib.sha256(key.encode()).hexdigest()
