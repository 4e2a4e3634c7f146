"""The web process's Django: threads that stay, and answers that need none."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import Executor
from functools import partial
from typing import Any

from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from django.core.exceptions import SuspiciousOperation
from django.core.handlers.asgi import ASGIHandler
from django.db import connections
from django.http import HttpRequest, HttpResponse

from cityloom.ui import strangers
from cityloom.web import map as maps

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MOST_AT_WORK = 200
KEPT_THREADS = 4
"""More than these begin when they are needed and end afterwards."""
CONNECTION_S = 5
"""So long a thread keeps its connection to the database: a city that is put in another's place is seen soon."""
_SORRY = b"Too many requests at once; try again in a moment."


class Pages(ASGIHandler):
    """Django for many readers at once.

    Django's own handler begins a thread for each request, which opens the database anew and reads its schema; that
    takes as long as a page. Here each request gets a thread of its own too, but one that an earlier request has left.
    """

    def __init__(self) -> None:
        super().__init__()
        self._free: list[ThreadSensitiveContext] = []
        self._at_work = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer = _at_once(self.request_class(scope, io.BytesIO())) if _may_be_at_once(scope) else None
        if answer is not None:
            await self.send_response(answer, send)
        elif self._at_work >= MOST_AT_WORK:
            await self.send_response(HttpResponse(_SORRY, status=503, content_type="text/plain"), send)
        else:
            await self._at_length(scope, receive, send)

    async def _at_length(self, scope: Message, receive: Receive, send: Send) -> None:
        place = self._free.pop() if self._free else ThreadSensitiveContext()  # the one that was busy last: it is warm
        before = SyncToAsync.thread_sensitive_context.set(place)
        self._at_work += 1
        try:
            await self.handle(scope, receive, send)
        finally:
            self._at_work -= 1
            SyncToAsync.thread_sensitive_context.reset(before)
            self._leave(place)

    def _leave(self, place: ThreadSensitiveContext) -> None:
        """Keep a thread for the next request, once it has really ended what a reader did not wait for."""
        thread: Executor | None = SyncToAsync.context_to_thread_executor.get(place)
        if thread is None:
            return
        if len(self._free) < KEPT_THREADS:
            free_again = partial(asyncio.get_running_loop().call_soon_threadsafe, self._free.append, place)
            thread.submit(free_again)
        else:
            del SyncToAsync.context_to_thread_executor[place]
            thread.submit(connections.close_all)
            thread.shutdown(wait=False)


def _may_be_at_once(scope: Message) -> bool:
    return bool(scope["type"] == "http" and scope["method"] == "GET" and not scope["query_string"])


def _at_once(request: HttpRequest) -> HttpResponse | None:
    """What everybody gets and is known already; the rest, and every doubt, is for the whole of Django."""
    try:
        return maps.kept_tile(request) or strangers.at_once(request)
    except SuspiciousOperation:
        return None


def stay_connected() -> None:
    """Let the threads of this process keep their connections to the database."""
    for settings in connections.settings.values():
        settings["CONN_MAX_AGE"], settings["CONN_HEALTH_CHECKS"] = CONNECTION_S, True
