"""How much a request may bring: bounded before anything is read, so that nobody fills memory or disk."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

MOST_BYTES = 4 * 1024 * 1024
_FILES_BYTES = 32 * 1024 * 1024
LARGE = {
    "/report/": _FILES_BYTES,
    "/insight/reviews/new/": 32 * 1024 * 1024,
    "/sta/v1.1/CreateObservations": 32 * 1024 * 1024,
    "/ingest/readings": 256 * 1024 * 1024,
    "/open311/v2/requests.xml": _FILES_BYTES,
    "/open311/v2/requests.json": _FILES_BYTES,
}
"""Where photos are sent, arrays of observations, and readings in bulk, which wait on the disk and not in memory."""
LARGE_ENDS = ("/files/", "/more/")
"""How the addresses end where files of one thing are sent."""
MACHINES = ("/sta/", "/ingest/", "/open311/")
"""Where nobody reads a page."""
MOST_LARGE_AT_ONCE = 8
_SORRY = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    '<title>Cityloom</title><link rel="stylesheet" href="/static/ui/cityloom.css"><body class="portal"><main>'
    '{english}<div lang="zh-Hans">{chinese}</div><p><a href="{back}">← {back}</a></p></main>'
)
_TOO_LARGE = (
    "<h1>Too much at once</h1><p>What you sent is larger than {mb} MB and was not read. Go back and send fewer or"
    " smaller photos; what you typed is still in the form.</p>",
    "<h1>一次发送的内容过多</h1><p>您发送的内容超过 {mb} MB，没有接收。请返回，减少照片数量或换用较小的照片；"
    "您填写的文字仍在表单里。</p>",
)
_BUSY_FOR_MACHINES = "Too many large requests are arriving; wait a moment, and send it once more."
_BUSY = (
    "<h1>Too many photos are arriving</h1><p>Wait a minute, go back, and send it once more.</p>",
    "<h1>正在接收的照片过多</h1><p>请等一分钟，返回后再发送一次。</p>",
)


class BoundBodies:
    """Refuse bodies that are too large (413), and too many large ones at once (503)."""

    def __init__(self, inner: Application) -> None:
        self.inner = inner
        self.large_now = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        length, most = _length(scope), _most(scope["path"])
        if length is None or length > most:
            await _say(send, 413, _TOO_LARGE, scope["path"], most)
        elif length <= MOST_BYTES:
            await self.inner(scope, receive, send)
        elif self.large_now >= MOST_LARGE_AT_ONCE:
            await _say(send, 503, _BUSY, scope["path"], most)
        else:
            self.large_now += 1
            try:
                await self.inner(scope, receive, send)
            finally:
                self.large_now -= 1


def _most(path: str) -> int:
    return _FILES_BYTES if path.endswith(LARGE_ENDS) else LARGE.get(path, MOST_BYTES)


def _length(scope: Message) -> int | None:
    """How long a body says that it is; None where it does not say, or lies. The server holds it to that length."""
    headers = dict(scope["headers"])
    if b"transfer-encoding" in headers:
        return None
    text = headers.get(b"content-length", b"0")
    return int(text) if text.isdigit() and len(text) < 16 else None


def _as_page(words: tuple[str, str], mb: int, path: str) -> bytes:
    known = path if path in LARGE else "/"
    english, chinese = (text.format(mb=mb) for text in words)
    return _SORRY.format(english=english, chinese=chinese, back=known).encode()


def _as_json(status: int, mb: int) -> bytes:
    """As SensorThings says errors."""
    message = f"The body is larger than {mb} MB; send less at once." if status == 413 else _BUSY_FOR_MACHINES
    return json.dumps({"code": status, "type": "error", "message": message}).encode()


async def _say(send: Send, status: int, words: tuple[str, str], path: str, most: int) -> None:
    mb, is_page = most // 1024 // 1024, not path.startswith(MACHINES)
    kind, body = ("text/html", _as_page(words, mb, path)) if is_page else ("application/json", _as_json(status, mb))
    headers = [
        (b"content-type", f"{kind}; charset=utf-8".encode()), (b"content-length", str(len(body)).encode()),
        (b"content-security-policy", b"default-src 'none'; style-src 'self'"), (b"connection", b"close"),
        (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"),
    ]  # fmt: skip
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
