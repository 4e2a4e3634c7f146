"""The live process: what happens in the city, as server-sent events, to people who are signed in.

An event carries what a page needs to know that it is out of date, and no more: type, time, exercise and incident.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.db import connections
from django.http import HttpRequest
from django.http.request import validate_host

from cityloom.accounts import queries as accounts
from cityloom.bus import queries as bus
from cityloom.kernel import clock
from cityloom.kernel.envelope import Envelope
from cityloom.project.parts import HEALTH_PATH

EVENTS_PATH = "/events/"
_PAUSE_S = 0.5
_HEARTBEATS = 30  # rounds between two comments that keep the line open, at which the sign-in is checked again
_BACKLOG = 100  # events that a reader may lag behind before it is dropped; it comes back by itself, where it was
_MOST_READERS = 150

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Row = tuple[int, Envelope]


class Hub:
    """Reads the outbox once for all readers."""

    def __init__(self) -> None:
        self._readers: set[asyncio.Queue[Row | None]] = set()
        self._position: int | None = None

    def is_full(self) -> bool:
        """Whether no more readers are taken."""
        return len(self._readers) >= _MOST_READERS

    async def follow(self) -> None:
        """Hand new events to every reader, until cancelled."""
        while True:
            if self._readers:
                await self._hand_out()
            else:
                self._position = None
            await asyncio.sleep(_PAUSE_S)

    async def events(self, after: int | None) -> AsyncGenerator[Row | None, None]:
        """Events behind a position (None: from now on); None stands for a round in which nothing happened."""
        queue: asyncio.Queue[Row | None] = asyncio.Queue(_BACKLOG)
        start = await _read(bus.last_position)
        self._readers.add(queue)
        try:
            last = start if after is None else after
            while last < start and (missed := await _read(bus.events_after, last)):
                for row in missed:
                    yield row
                last = missed[-1][0]
            while queue in self._readers or not queue.empty():
                row = await queue.get()
                if row is None or row[0] > last:
                    last = row[0] if row else last
                    yield row
        finally:
            self._readers.discard(queue)

    async def _hand_out(self) -> None:
        if self._position is None:
            self._position = await _read(bus.last_position)
        rows: list[Row] = await _read(bus.events_after, self._position)
        if rows:
            self._position = rows[-1][0]
        for queue in list(self._readers):
            self._put(queue, rows or [None])

    def _put(self, queue: asyncio.Queue[Row | None], rows: Iterable[Row | None]) -> None:
        try:
            for row in rows:
                queue.put_nowait(row)
        except asyncio.QueueFull:
            self._readers.discard(queue)


hub = Hub()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request, or follow the server's life."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
    elif scope["type"] == "http":
        await _answer(scope, receive, send)


async def _live(receive: Receive, send: Send) -> None:
    await receive()
    following = asyncio.create_task(hub.follow())
    await send({"type": "lifespan.startup.complete"})
    await receive()
    following.cancel()
    await send({"type": "lifespan.shutdown.complete"})


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    if not validate_host(urlsplit(f"//{headers.get('host', '')}").hostname or "", _hosts()):
        await _plain(send, 400, "This address is not served here.")
    elif scope["path"] == HEALTH_PATH:
        await _plain(send, 200, "well")
    elif scope["path"] != EVENTS_PATH:
        await _plain(send, 404, "There is only /events/ here.")
    elif not await _is_signed_in(headers):
        await _plain(send, 403, "Sign in first.", headers)
    elif hub.is_full():
        await _plain(send, 503, "Too many are listening; try again later.", headers)
    else:
        await _stream(headers, receive, send)


async def _stream(headers: dict[str, str], receive: Receive, send: Send) -> None:
    kind = (b"content-type", b"text/event-stream; charset=utf-8")
    await send({"type": "http.response.start", "status": 200, "headers": [kind, *_shared(headers)]})
    gone = asyncio.create_task(_until_gone(receive))
    try:
        await _write_events(headers, send, gone)
    finally:
        gone.cancel()
    await send({"type": "http.response.body", "body": b""})


async def _write_events(headers: dict[str, str], send: Send, gone: asyncio.Task[None]) -> None:
    last = headers.get("last-event-id", "")
    quiet = 0
    await _chunk(send, "retry: 2000\n\n")
    async with aclosing(hub.events(int(last) if last.isdigit() else None)) as events:
        async for row in events:
            quiet = quiet + 1 if row is None else 0
            if gone.done() or (quiet and quiet % _HEARTBEATS == 0 and not await _is_signed_in(headers)):
                return
            if row:
                await _chunk(send, as_message(row))
            elif quiet % _HEARTBEATS == 0:
                await _chunk(send, ": still here\n\n")


def as_message(row: Row) -> str:
    """An event as a server-sent message.

    Source: HTML Living Standard, section 9.2, Server-sent events.
    """
    position, event = row
    body = {
        "type": event.type, "time": clock.to_text(event.time), "exercise": event.exercise_id,
        "incident": event.data.get("incident_id", ""),
    }  # fmt: skip
    return f"id: {position}\ndata: {json.dumps(body)}\n\n"


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _plain(send: Send, status: int, words: str, headers: dict[str, str] | None = None) -> None:
    kind = (b"content-type", b"text/plain; charset=utf-8")
    await send({"type": "http.response.start", "status": status, "headers": [kind, *_shared(headers or {})]})
    await send({"type": "http.response.body", "body": words.encode()})


async def _chunk(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


def _shared(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """What every answer carries; only the city's own pages may read it from a browser."""
    own = os.environ.get("CITYLOOM_WEB_URL", "")
    allowed = headers.get("origin") == own and own
    cross = [(b"access-control-allow-origin", own.encode()), (b"access-control-allow-credentials", b"true")]
    return [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"), (b"vary", b"origin"),
            *(cross if allowed else [])]  # fmt: skip


def _hosts() -> list[str]:
    return list(settings.ALLOWED_HOSTS)


async def _is_signed_in(headers: dict[str, str]) -> bool:
    return bool(await _read(_signed_in, headers.get("cookie", ""), headers.get("user-agent", "")[:400]))


def _signed_in(cookies: str, agent: str) -> bool:
    try:
        sent = SimpleCookie(cookies)
    except CookieError:
        return False
    key, device = sent.get(settings.SESSION_COOKIE_NAME), sent.get(accounts.DEVICE_COOKIE)
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key.value if key else None)
    account = get_user(request)
    return account.is_authenticated and account.kind != "resident" and not accounts.session_fault(  # type: ignore[union-attr]
        request.session, account=account.pk, device=device.value if device else "", agent=agent, at=clock.now()
    )


async def _read(question: Callable[..., Any], *arguments: Any) -> Any:
    """Ask the database in a thread, and let its connection go."""

    def ask() -> Any:
        try:
            return question(*arguments)
        finally:
            connections.close_all()

    return await sync_to_async(ask, thread_sensitive=True)()
