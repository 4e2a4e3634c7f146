"""Until when the question that this thread answers may take; what works on it looks here."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from cityloom.kernel import clock
from cityloom.kernel.refused import Refused

_UNTIL: ContextVar[float] = ContextVar("until", default=float("inf"))
_LONGEST: ContextVar[float] = ContextVar("longest", default=0.0)


class Interruptible(Protocol):
    """A question to an engine that another thread can end."""

    def interrupt(self) -> None: ...


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let what is done here take so long at most, or as long as what is around it may still take."""
    until = clock.stopwatch() + seconds
    if until >= _UNTIL.get():
        yield
        return
    tokens = _UNTIL.set(until), _LONGEST.set(seconds)
    try:
        yield
    finally:
        _UNTIL.reset(tokens[0])
        _LONGEST.reset(tokens[1])


def left_s() -> float:
    """How many seconds are left; infinitely many where nobody has set an end."""
    return _UNTIL.get() - clock.stopwatch()


def check() -> None:
    """Raises: Refused `signals.sta_slow` where the time is over."""
    if left_s() <= 0:
        raise over()


def over() -> Refused:
    """That an answer takes too long."""
    return Refused("signals.sta_slow", "The answer would take longer than {limit} seconds; ask for less: narrow the"
                   " question by Datastream or phenomenonTime, or leave functions and relations out of it.",
                   limit=round(_LONGEST.get()))  # fmt: skip


@contextmanager
def ending(question: Interruptible) -> Iterator[None]:
    """End a question to an engine that knows no limits when the time is over.

    Raises: Refused `signals.sta_slow`.
    """
    left = left_s()
    if left == float("inf"):
        yield
        return
    check()
    timer = threading.Timer(left, question.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as fault:
        if left_s() <= 0:
            raise over() from fault
        raise
    finally:
        timer.cancel()
