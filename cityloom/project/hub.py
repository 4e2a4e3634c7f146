"""Events for everybody who listens: read once, written down once, kept for a moment so that each reads at its pace."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from django.db import DatabaseError, connection

from cityloom.bus import queries as bus
from cityloom.kernel import clock
from cityloom.kernel.envelope import Envelope
from cityloom.project.wiring import HEARD_BY

log = logging.getLogger(__name__)
LOOK_S = 0.04  # between two looks into the outbox; after a busy hand-out as long as that took, so half the time is free
HEARTBEAT_S = 10.0
MOST_BEHIND = 1_000  # events; a reader that missed more reloads its page, which is cheaper
_KEPT = 256  # hand-outs; a reader that is slower is dropped, and comes back where it was
_AFTER_A_FAULT_S = 1.0
_THREADS = 2

Row = tuple[int, Envelope]
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Told:
    """One event as text, and the roles that may hear of it (none: everyone)."""

    position: int
    heard_by: frozenset[str]
    text: bytes


class Batch:
    """Some events, or a word of the server, as one text for all who may hear all of it."""

    def __init__(self, events: Sequence[Told], word: bytes = b"") -> None:
        self._events = events
        self._everything = word or b"".join(event.text for event in events)
        self._is_open = not any(event.heard_by for event in events)
        self._first = events[0].position if events else 0
        self.last = events[-1].position if events else 0

    def text_for(self, roles: Collection[str], after: int) -> bytes:
        """What someone with these roles may hear of it, behind a position."""
        if self._is_open and (not self._events or self._first > after):
            return self._everything
        mine = (event for event in self._events if not event.heard_by or event.heard_by & frozenset(roles))
        return b"".join(event.text for event in mine if event.position > after)


def batch_of(rows: Sequence[Row]) -> Batch:
    """Events as server-sent messages."""
    return Batch([Told(at, HEARD_BY.get(event.type, frozenset()), as_message(at, event)) for at, event in rows])


def as_message(position: int, event: Envelope) -> bytes:
    """An event as a server-sent message: what a page needs to know that it is out of date, and no more.

    Source: HTML Living Standard, section 9.2, Server-sent events.
    """
    body = {
        "type": event.type, "name": event.type.split(".")[-2], "time": clock.to_text(event.time),
        "exercise": event.exercise_id, "incident": event.data.get("incident_id", ""),
    }  # fmt: skip
    return f"id: {position}\ndata: {json.dumps(body)}\n\n".encode()


def heartbeat() -> bytes:
    """The server's time, which also shows that the line is open."""
    body = json.dumps({"now": clock.to_text(clock.SystemClock().now())})
    return f"event: time\ndata: {body}\n\n".encode()


def reset(position: int) -> bytes:
    """Say that too much was missed to tell it: read the page's parts again, and go on from here."""
    return f"id: {position}\nevent: reset\ndata: {{}}\n\n".encode()


class Source(Protocol):
    """What is new, in order, from where it was opened on."""

    position: int

    def read(self) -> list[Row]:
        """What has happened since the last call."""
        ...


class Outbox:
    """The questions that the hub asks about events."""

    def feed(self) -> Source:
        """What happens from now on."""
        return bus.Feed()

    def last(self) -> int:
        """The position of the newest event."""
        return bus.last_position()

    def between(self, after: int, until: int) -> list[Row] | None:
        """What happened behind a position, up to another; None where that is too much or not known any more."""
        rows = [row for row in bus.events_after(after, limit=MOST_BEHIND + 1) if row[0] <= until]
        is_known = after + 1 >= (bus.first_position() or until)
        return rows if is_known and len(rows) <= MOST_BEHIND else None


class Hub:
    """Reads the outbox for all; a thread of its own looks, so that no reader waits for the database."""

    def __init__(self, outbox: Outbox | None = None) -> None:
        self._outbox = outbox or Outbox()
        self.position = 0
        self._kept: deque[Batch] = deque(maxlen=_KEPT)
        self._count = 0  # hand-outs so far
        self._news = asyncio.Event()
        self._over = False
        self._stop, self._handed_out = threading.Event(), threading.Event()
        self._ear: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._threads = ThreadPoolExecutor(_THREADS, "ask")

    async def start(self) -> None:
        """Begin to look into the outbox; what happened before is told to those who ask for it."""
        self._loop = asyncio.get_running_loop()
        feed = await self.ask(self._outbox.feed)
        self.position = feed.position
        self._ear = threading.Thread(target=self._listen, args=[feed], name="ear", daemon=True)
        self._ear.start()

    def is_well(self) -> bool:
        """Whether somebody still looks into the outbox."""
        return self._ear is not None and self._ear.is_alive() and not self._over

    def end(self) -> None:
        """Let everyone go; called from anywhere, a signal handler too."""
        self._stop.set()
        self._handed_out.set()
        if self._loop:
            self._loop.call_soon_threadsafe(self._let_go)

    async def close(self) -> None:
        """Stop looking, and wait for the threads."""
        self.end()
        if self._ear:
            await asyncio.to_thread(self._ear.join, 2.0)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def ask(self, question: Callable[..., Answer], *arguments: Any) -> Answer:
        """Ask the database in one of two threads that keep their connections."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(_asked, question, *arguments))

    async def follow(self, after: int | None, roles: Collection[str]) -> AsyncGenerator[bytes, None]:
        """What happens behind a position (None: from now on), until the reader is too slow or the hub ends."""
        turn, until = self._count, self.position
        last = until if after is None else after
        if last != until:
            missed = await self._missed(last, until)
            if missed is None:
                last = until
                yield reset(until)
            elif text := missed.text_for(roles, last):
                yield text
        last = max(last, until)
        while not self._over and self._is_kept(turn):
            news = self._news
            while turn < self._count and self._is_kept(turn):
                text = self._kept[turn - self._count].text_for(roles, last)
                turn += 1
                if text:
                    yield text
            if turn == self._count and not self._over:
                await news.wait()

    def _is_kept(self, turn: int) -> bool:
        return turn >= self._count - len(self._kept)

    async def _missed(self, after: int, until: int) -> Batch | None:
        """What happened between two positions; None where that is too much, or not known any more."""
        if after > until:  # a page that was made a moment ago, or one of a city that is no more
            return None if after > await self.ask(self._outbox.last) else Batch([])
        rows = await self.ask(self._outbox.between, after, until)
        return None if rows is None else batch_of(rows)

    def _listen(self, feed: Source) -> None:
        """The thread: look, hand out, wait."""
        pause, beat = LOOK_S, clock.stopwatch() + HEARTBEAT_S
        while not self._stop.wait(pause):
            rows = self._looked(feed)
            now = clock.stopwatch()
            if rows:
                self._hand_over(batch_of(rows))
            elif now >= beat:
                self._hand_over(Batch([], heartbeat()))
                beat = now + HEARTBEAT_S
            pause = _AFTER_A_FAULT_S if rows is None else max(LOOK_S, clock.stopwatch() - now)
        connection.close()

    def _looked(self, feed: Source) -> list[Row] | None:
        try:
            return feed.read()
        except DatabaseError:  # the database is away or busy; the readers keep their lines, and hear of it all later
            log.exception("The outbox could not be read")
            connection.close()
            return None

    def _hand_over(self, batch: Batch) -> None:
        """Give a batch to the loop, and wait until it has been written to everybody."""
        self._handed_out.clear()
        if self._stop.is_set() or self._loop is None:
            return
        self._loop.call_soon_threadsafe(self._hand_out, batch)
        self._handed_out.wait(10.0)

    def _hand_out(self, batch: Batch) -> None:
        self._kept.append(batch)
        self._count += 1
        self.position = max(self.position, batch.last)
        self._wake()
        asyncio.get_running_loop().call_soon(self._handed_out.set)  # behind all who were just woken

    def _let_go(self) -> None:
        self._over = True
        self._wake()

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


def _asked(question: Callable[..., Answer], *arguments: Any) -> Answer:
    try:
        return question(*arguments)
    except DatabaseError:
        connection.close()
        raise
