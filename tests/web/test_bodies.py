"""What a request may bring: bounded before it is read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from django.test import Client

from cityloom.project.bodies import LARGE, MOST_BYTES, MOST_LARGE_AT_ONCE, BoundBodies

Header = tuple[bytes, bytes]


class Inner:
    """An application that waits until it may answer."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked += 1
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def ask(application: BoundBodies, path: str, headers: Sequence[Header]) -> tuple[int, bytes]:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        pytest.fail("a body was read")

    await application({"type": "http", "path": path, "headers": headers}, receive, send)
    return sent[0]["status"], sent[-1]["body"]


def length(size: int) -> list[Header]:
    return [(b"content-length", str(size).encode())]


@pytest.mark.parametrize(("path", "headers", "status"), [
    ("/", [], 200), ("/", length(MOST_BYTES), 200), ("/", length(MOST_BYTES + 1), 413),
    ("/report/", length(LARGE["/report/"]), 200), ("/report/", length(LARGE["/report/"] + 1), 413),
    ("/", length(10**14), 413), ("/", [(b"content-length", b"-1")], 413), ("/", [(b"content-length", b"9" * 40)], 413),
    ("/", [(b"transfer-encoding", b"chunked")], 413), ("/x\r\n<script>", length(10**9), 413),
])  # fmt: skip
def test_what_is_too_large_is_refused_before_it_is_read(path: str, headers: list[Header], status: int) -> None:
    async def run() -> tuple[int, bytes]:
        inner = Inner()
        inner.may_answer.set()
        return await ask(BoundBodies(inner), path, headers)

    found, body = asyncio.run(run())
    assert found == status
    if status == 413:
        assert "照片" in body.decode()
        assert b"<script>" not in body


def test_only_so_many_large_bodies_are_taken_at_once_and_small_ones_always() -> None:
    async def run() -> list[int]:
        inner = Inner()
        bounded = BoundBodies(inner)
        large = [asyncio.create_task(ask(bounded, "/report/", length(MOST_BYTES + 1))) for _ in range(20)]
        while inner.asked < MOST_LARGE_AT_ONCE or sum(task.done() for task in large) < 20 - MOST_LARGE_AT_ONCE:
            await asyncio.sleep(0)
        small = asyncio.create_task(ask(bounded, "/", length(10)))
        inner.may_answer.set()
        statuses = [(await task)[0] for task in large]
        assert (await small)[0] == 200
        assert (await ask(bounded, "/report/", length(MOST_BYTES + 1)))[0] == 200
        return statuses

    statuses = asyncio.run(run())
    assert statuses.count(503) == 20 - MOST_LARGE_AT_ONCE
    assert statuses.count(200) == MOST_LARGE_AT_ONCE


@pytest.mark.django_db
def test_text_is_compressed_and_pictures_are_not() -> None:
    client = Client(headers={"Accept-Encoding": "gzip"})
    page = client.get("/services/")
    assert page["Content-Encoding"] == "gzip"
    assert client.get("/static/ui/cityloom.css").headers.get("Content-Encoding") == "gzip"
    assert "Content-Encoding" not in client.get("/static/web/icon-512.png").headers


def test_a_machine_is_told_in_its_own_language() -> None:
    upload = "/sta/v1.1/CreateObservations"
    found, body = asyncio.run(ask(BoundBodies(Inner()), upload, length(10**9)))
    assert (found, json.loads(body)["code"]) == (413, 413)
