"""Whether something failed for want of space."""

from __future__ import annotations

import errno
from collections.abc import Iterator

_NUMBERS = frozenset({errno.ENOSPC, errno.EDQUOT})
_SQLITE = frozenset({"SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"})  # the second: no room for the index of the log
_POSTGRESQL = "53100"


def is_full(error: BaseException) -> bool:
    """Whether an error, or one that led to it, says that a disk or a quota is full.

    Source: SQLite result codes; PostgreSQL error codes, class 53.
    """
    return any(_says_so(one) for one in _chain(error))


def _says_so(error: BaseException) -> bool:
    known = (
        getattr(error, "errno", None) in _NUMBERS
        or getattr(error, "sqlite_errorname", "") in _SQLITE
        or getattr(error, "sqlstate", "") == _POSTGRESQL
    )
    return known or "disk is full" in str(error) or "No space left" in str(error)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
