"""Keys of programs that file requests; a key is shown once, and a digest of it is kept."""

from __future__ import annotations

import hashlib
from datetime import datetime

from cityloom.cases.models import GeoReportKey
from cityloom.cases.policies import check_can_make_key
from cityloom.kernel import ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

_LONGEST_OWNER = 80
_LONGEST_KEY = 200


def make(*, owner: str, by: Actor, at: datetime) -> str:
    """Make a key and return it, for the only time.

    Raises: Refused `cases.may_not_make_key`, `cases.key_owner`.
    """
    check_can_make_key(by)
    if not owner.strip() or len(owner) > _LONGEST_OWNER:
        raise Refused("cases.key_owner", "A key needs an owner of 1 to {limit} characters: whoever answers for the"
                      " program.", limit=_LONGEST_OWNER)  # fmt: skip
    key = f"clo_{ids.random_token()}"
    GeoReportKey.objects.create(
        id=ids.new_ulid(), digest=_digest(key), owner=owner.strip(), made_by=by.account, made_at=at
    )
    return key


def end(*, key_id: str, by: Actor, at: datetime) -> None:
    """End a key at once. Raises: Refused `cases.may_not_make_key`, `cases.no_key`."""
    check_can_make_key(by)
    if not GeoReportKey.objects.filter(pk=key_id, ended_at=None).update(ended_at=at):
        raise Refused("cases.no_key", "There is no key {value} in use.", value=key_id[:26])


def holder_of(key: str) -> str:
    """The id of a key in use.

    Raises: Refused `cases.key_missing`, `cases.key_unknown`.
    """
    if not key:
        raise Refused("cases.key_missing", "An `api_key` is needed for this; the city's operators make one.")
    row = GeoReportKey.objects.filter(digest=_digest(key), ended_at=None).first() if len(key) <= _LONGEST_KEY else None
    if row is None:
        raise Refused("cases.key_unknown", "This `api_key` is not known or has been ended; ask the city's operators.")
    return row.id


def _digest(key: str) -> str:
    """Keys are 32 random bytes, so a plain digest tells nothing about them."""
    return hashlib.sha256(key.encode()).hexdigest()
