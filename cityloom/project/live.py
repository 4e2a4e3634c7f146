"""The live process: what happens in the city, as server-sent events, to people who are signed in.

An event carries what a page needs to know that it is out of date, and no more: type, time, exercise and incident.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.db import DatabaseError
from django.http.request import validate_host

from cityloom.accounts import queries as accounts
from cityloom.accounts.queries import Visitor
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.project.hub import Hub
from cityloom.project.parts import HEALTH_PATH

EVENTS_PATH, STATE_PATH = "/events/", "/events/state/"
MOST_READERS = 1_000
MOST_EACH = 20
"""Lines of one account: as many windows as a person has, so that nobody takes the place of all the others."""
CHECKED_EACH_S = 10.0
"""A session that has ended, or an account that is closed, loses its line within this time."""
_SLICES = 20
_AT_ONCE = 100

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = dict[str, str]
log = logging.getLogger(__name__)
_SIGNED_OUT = b"event: signed-out\ndata: {}\n\n"


@dataclass(eq=False)
class Reader:
    """Someone who listens, and the task that writes to them."""

    number: int
    actor: Actor
    visitor: Visitor
    task: asyncio.Task[None] | None = None
    is_signed_out: bool = False

    def leave(self) -> None:
        """Stop being written to."""
        if self.task:
            self.task.cancel()


class Door:
    """Asks who is behind a line: for many lines in one question, at the beginning and again as long as it lasts."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._waiting: list[tuple[Visitor, asyncio.Future[Actor | None]]] = []
        self._knock = asyncio.Event()
        self.readers: set[Reader] = set()

    def is_full(self) -> bool:
        """Whether no more readers are taken."""
        return len(self.readers) + len(self._waiting) >= MOST_READERS

    def has_enough(self, actor: Actor) -> bool:
        """Whether one account has as many lines as it gets."""
        return sum(reader.actor.account == actor.account for reader in self.readers) >= MOST_EACH

    async def who(self, visitor: Visitor) -> Actor | None:
        """Who works here behind a line; None for nobody. Raises: DatabaseError."""
        answer: asyncio.Future[Actor | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((visitor, answer))
        self._knock.set()
        return await answer

    async def answer(self) -> None:
        """Answer those who wait, until cancelled."""
        while await self._knock.wait():
            asked, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
            if not asked:
                self._knock.clear()
                continue
            found: Sequence[Actor | DatabaseError | None]
            try:
                found = await self._hub.ask(accounts.workers_behind, [visitor for visitor, _ in asked], clock.now())
            except DatabaseError as error:
                found = [error] * len(asked)
            for (_, future), answer in zip(asked, found, strict=True):
                _settle(future, answer)

    async def check_again(self) -> None:
        """Ask again about everybody, some at a time, and show out who is not signed in any more; until cancelled."""
        for turn in count():
            await asyncio.sleep(CHECKED_EACH_S / _SLICES)
            chosen = [reader for reader in self.readers if reader.number % _SLICES == turn % _SLICES]
            if not chosen:
                continue
            try:
                found = await self._hub.ask(accounts.workers_behind, [one.visitor for one in chosen], clock.now())
            except DatabaseError:
                continue  # the hub's ear logs it; nothing can be told meanwhile either
            for reader, actor in zip(chosen, found, strict=True):
                reader.is_signed_out = actor is None
                if actor is None or actor.roles != reader.actor.roles:  # with other roles one comes back by oneself
                    reader.leave()


class Live:
    """The application: one hub, one door, and as many lines as there are readers."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.door = Door(self.hub)
        self._turns = count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or follow the server's life."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    def end(self) -> None:
        """Let everyone go; a signal handler may call it."""
        self.hub.end()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.hub.start()
        tasks = [asyncio.create_task(self.door.answer()), asyncio.create_task(self.door.check_again())]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in tasks:
            task.cancel()
        await self.hub.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if not validate_host(urlsplit(f"//{headers.get('host', '')}").hostname or "", list(settings.ALLOWED_HOSTS)):
            await _plain(send, 400, "This address is not served here.")
        elif scope["path"] == HEALTH_PATH:
            is_well = self.hub.is_well()
            await _plain(send, 200 if is_well else 503, "well" if is_well else "nobody reads the outbox")
        elif scope["path"] in (EVENTS_PATH, STATE_PATH):
            await self._admit(scope, headers, receive, send)
        else:
            await _plain(send, 404, "There is only /events/ here.")

    async def _admit(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        visitor = _visitor(headers)
        if self.door.is_full():
            await _plain(send, 503, "Too many are listening; try again later.", headers)
            return
        try:
            actor = await self.door.who(visitor)
        except DatabaseError:
            log.exception("A sign-in could not be checked")
            await _plain(send, 503, "The city's records cannot be read just now; try again later.", headers)
            return
        if actor is None:
            await _plain(send, 403, "Sign in first.", headers)
        elif self.door.has_enough(actor):
            await _plain(send, 429, "You are listening in too many windows; close one.", headers)
        elif scope["path"] == STATE_PATH:
            await _plain(send, 200, "There is room.", headers)
        else:
            reader = Reader(next(self._turns), actor, visitor)
            await self._stream(reader, _position(scope, headers), headers, receive, send)

    async def _stream(
        self, reader: Reader, after: int | None, headers: Headers, receive: Receive, send: Send
    ) -> None:
        kind = (b"content-type", b"text/event-stream; charset=utf-8")
        await send({"type": "http.response.start", "status": 200, "headers": [kind, *_shared(headers)]})
        reader.task = asyncio.create_task(self._write(reader, after, send))
        gone = asyncio.create_task(_until_gone(receive))
        self.door.readers.add(reader)
        try:
            await asyncio.wait({reader.task, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.door.readers.discard(reader)
            reader.leave()
            gone.cancel()
        _note_fault(reader.task)
        await send({"type": "http.response.body", "body": _SIGNED_OUT if reader.is_signed_out else b""})

    async def _write(self, reader: Reader, after: int | None, send: Send) -> None:
        wait_ms = 1_000 + reader.number * 37 % 1_000  # so that not all come back in one moment
        hello = f"retry: {wait_ms}\nevent: hello\ndata: {{}}\n\n".encode()
        await send(_piece(hello))
        async with aclosing(self.hub.follow(after, reader.actor.roles)) as texts:
            async for text in texts:
                await send(_piece(text))


def _settle(future: asyncio.Future[Actor | None], answer: Actor | DatabaseError | None) -> None:
    if future.done():  # whoever asked has gone
        return
    if isinstance(answer, DatabaseError):
        future.set_exception(answer)
    else:
        future.set_result(answer)


def _note_fault(task: asyncio.Task[None]) -> None:
    """Log why a line broke; it comes back by itself, where it was."""
    if task.done() and not task.cancelled() and (fault := task.exception()):
        log.error("A line broke", exc_info=fault)


def _visitor(headers: Headers) -> Visitor:
    try:
        sent = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        sent = SimpleCookie()
    key, device = sent.get(settings.SESSION_COOKIE_NAME), sent.get(accounts.DEVICE_COOKIE)
    return Visitor(key.value if key else "", device.value if device else "", headers.get("user-agent", "")[:400])


def _position(scope: Scope, headers: Headers) -> int | None:
    """Where a reader was: as its browser remembers after a dropped line, else as its page was made."""
    asked = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("after", [""])[0]
    given = headers.get("last-event-id") or asked
    return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _plain(send: Send, status: int, words: str, headers: Headers | None = None) -> None:
    kind = (b"content-type", b"text/plain; charset=utf-8")
    await send({"type": "http.response.start", "status": status, "headers": [kind, *_shared(headers or {})]})
    await send({"type": "http.response.body", "body": words.encode()})


def _piece(text: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": text, "more_body": True}


def _shared(headers: Headers) -> list[tuple[bytes, bytes]]:
    """What every answer carries; only the city's own pages may read it from a browser."""
    own = os.environ.get("CITYLOOM_WEB_URL", "")
    allowed = headers.get("origin") == own and own
    cross = [(b"access-control-allow-origin", own.encode()), (b"access-control-allow-credentials", b"true")]
    return [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"), (b"vary", b"origin"),
            *(cross if allowed else [])]  # fmt: skip


application = Live()
