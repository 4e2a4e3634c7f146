"""What those who listen hear: every event in order and once, however lines drop; and nothing that is not for them."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.accounts import queries as accounts
from cityloom.gate.events import GateAlarmRaised
from cityloom.kernel.actor import Actor
from cityloom.kernel.envelope import Envelope, type_of
from cityloom.project import hub as hubs
from cityloom.project import live
from cityloom.project.hub import Hub

AT = datetime(2026, 6, 3, 12, tzinfo=UTC)
WORKER = Actor(account="01WORKER", unit="city", roles=frozenset({"duty-officer"}))
OFFICER = Actor(account="01OFFICER", unit="city", roles=frozenset({"data-protection-officer"}))


def event(position: int, kind: str = "cityloom.tests.BellRang.v1") -> tuple[int, Envelope]:
    return position, Envelope(str(position), kind, "/tests", AT, {"incident_id": "01INCIDENT", "secret": "no"})


class Paper:
    """An outbox on paper: what is written is there at once; the beginning can be torn off."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, Envelope]] = []
        self.lock = threading.Lock()

    def write(self, count: int = 1, kind: str = "cityloom.tests.BellRang.v1") -> None:
        with self.lock:
            for _ in range(count):
                self.rows.append(event(len(self.rows) + 1, kind))

    def feed(self) -> Paper.Feed:
        return Paper.Feed(self)

    def last(self) -> int:
        return len(self.rows)

    def between(self, after: int, until: int) -> list[tuple[int, Envelope]] | None:
        return self.rows[after:until] if until - after <= hubs.MOST_BEHIND else None

    class Feed:
        def __init__(self, paper: Paper) -> None:
            self.paper, self.position = paper, len(paper.rows)

        def read(self) -> list[tuple[int, Envelope]]:
            with self.paper.lock:
                fresh = self.paper.rows[self.position :]
            self.position += len(fresh)
            return fresh


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "LOOK_S", 0.001)


async def heard(hub: Hub, after: int | None, *, until: int, roles: frozenset[str] = WORKER.roles) -> list[int]:
    """The positions that a reader hears, up to one of them."""
    got: list[int] = []
    async for text in hub.follow(after, roles):
        got += [int(line[4:]) for line in text.decode().splitlines() if line.startswith("id: ")]
        if got and got[-1] >= until:
            break
    return got


def run(story: Callable[[Hub, Paper], Coroutine[Any, Any, None]], paper: Paper | None = None) -> None:
    async def told() -> None:
        written = paper or Paper()
        hub = Hub(written)  # type: ignore[arg-type]
        await hub.start()
        try:
            await asyncio.wait_for(story(hub, written), 20)
        finally:
            await hub.close()

    asyncio.run(told())


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), min_size=1, max_size=6), st.integers(0, 40)
)
def test_however_lines_drop_each_event_is_heard_once_and_in_order(lives: list[tuple[int, int]], before: int) -> None:
    async def story(hub: Hub, paper: Paper) -> None:
        last, got = before, []
        for written, hear in lives:
            paper.write(written)
            await asyncio.sleep(0)
            if last < len(paper.rows):
                new = await heard(hub, last, until=min(last + hear, len(paper.rows)))
                got, last = got + new, new[-1]
        if last < len(paper.rows):
            got += await heard(hub, last, until=len(paper.rows))
        assert got == list(range(before + 1, len(paper.rows) + 1))

    paper = Paper()
    paper.write(before)
    run(story, paper)


def test_a_page_made_a_moment_before_the_hub_looked_hears_nothing_twice() -> None:
    async def story(hub: Hub, paper: Paper) -> None:
        listening = asyncio.create_task(heard(hub, 0, until=3))
        await asyncio.sleep(0)
        ahead = hub.follow(2, WORKER.roles)
        paper.write(3)
        assert await listening == [1, 2, 3]
        assert b"id: 3" in await anext(ahead)
        await ahead.aclose()

    run(story)


@pytest.mark.parametrize("after", [0, 10_000])
def test_who_was_away_too_long_or_comes_from_another_city_is_told_to_read_all_again(after: int) -> None:
    async def story(hub: Hub, paper: Paper) -> None:
        reader = hub.follow(after, WORKER.roles)
        assert (await anext(reader)).decode() == f"id: {len(paper.rows)}\nevent: reset\ndata: {{}}\n\n"
        paper.write()
        assert b"BellRang" in await anext(reader)
        await reader.aclose()

    paper = Paper()
    paper.write(hubs.MOST_BEHIND + 5)
    run(story, paper)


def test_a_slow_reader_is_dropped_and_comes_back_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "_KEPT", 4)

    async def story(hub: Hub, paper: Paper) -> None:
        reader, quick = hub.follow(None, WORKER.roles), []
        paper.write()
        first = asyncio.create_task(anext(reader))
        assert b"id: 1\n" in await first
        for turn in range(2, 12):
            listening = asyncio.create_task(heard(hub, turn - 1, until=turn))
            paper.write()
            quick += await listening
        assert [text async for text in reader] == [], "the line ends; nothing is left out of its middle"
        assert await heard(hub, 1, until=11) == quick == list(range(2, 12))

    run(story)


def test_a_message_says_no_more_than_what_is_out_of_date() -> None:
    head, body = hubs.as_message(*event(7)).decode().split("\n", 1)
    assert head == "id: 7"
    assert json.loads(body.removeprefix("data: ")) == {
        "type": "cityloom.tests.BellRang.v1", "name": "BellRang", "time": "2026-06-03T12:00:00.000Z",
        "exercise": "", "incident": "01INCIDENT",
    }  # fmt: skip


def test_an_alarm_does_not_warn_the_one_who_set_it_off() -> None:
    async def story(hub: Hub, paper: Paper) -> None:
        roles = (WORKER.roles, OFFICER.roles)
        listening = [asyncio.create_task(heard(hub, 0, until=3, roles=one)) for one in roles]
        await asyncio.sleep(0)
        paper.write()
        paper.write(1, type_of(GateAlarmRaised))
        paper.write()
        assert [await one for one in listening] == [[1, 3], [1, 2, 3]]
        assert [await heard(hub, 0, until=3, roles=one) for one in roles] == [[1, 3], [1, 2, 3]]

    run(story)


# --- the application, without a server


class Line:
    """A browser's line to the application."""

    def __init__(self, app: live.Live, session: str = "one", path: str = live.EVENTS_PATH, query: str = "") -> None:
        self.pieces: list[dict[str, Any]] = []
        self._leave = asyncio.Event()
        headers = [(b"host", b"localhost"), (b"cookie", f"{live.settings.SESSION_COOKIE_NAME}={session}".encode())]
        scope = {"type": "http", "path": path, "headers": headers, "query_string": query.encode()}
        self.task = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self._leave.wait()
        return {"type": "http.disconnect"}

    async def _send(self, piece: dict[str, Any]) -> None:
        self.pieces.append(piece)

    def leave(self) -> None:
        self._leave.set()

    @property
    def text(self) -> str:
        return b"".join(piece.get("body", b"") for piece in self.pieces).decode()

    @property
    def status(self) -> int:
        return self.pieces[0]["status"]

    async def until(self, words: str) -> None:
        while words not in self.text:
            await asyncio.sleep(0.002)


@pytest.fixture
def people(monkeypatch: pytest.MonkeyPatch) -> dict[str, Actor]:
    """Who is signed in, by session."""
    known = {"one": WORKER, "two": OFFICER}
    monkeypatch.setattr(
        accounts, "workers_behind", lambda visitors, at: [known.get(visitor.session) for visitor in visitors]
    )
    return known


def serve(story: Callable[[live.Live, Paper], Coroutine[Any, Any, None]]) -> None:
    async def told() -> None:
        paper, app = Paper(), live.Live()
        app.hub = app.door._hub = Hub(paper)  # type: ignore[arg-type]
        inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        life = asyncio.create_task(app({"type": "lifespan"}, inbox.get, outbox.put))
        inbox.put_nowait({"type": "lifespan.startup"})
        await outbox.get()
        try:
            await asyncio.wait_for(story(app, paper), 20)
        finally:
            inbox.put_nowait({"type": "lifespan.shutdown"})
            await life

    asyncio.run(told())


def test_who_is_not_signed_in_hears_nothing(people: dict[str, Actor]) -> None:
    async def story(app: live.Live, paper: Paper) -> None:
        for path in (live.EVENTS_PATH, live.STATE_PATH):
            line = Line(app, "nobody", path)
            await line.task
            assert (line.status, line.text) == (403, "Sign in first.")
        line = Line(app, path=live.STATE_PATH)
        await line.task
        assert line.status == 200

    serve(story)


def test_who_signs_out_loses_the_line_and_the_others_keep_theirs(
    people: dict[str, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "CHECKED_EACH_S", 0.05)

    async def story(app: live.Live, paper: Paper) -> None:
        out, stays = Line(app, "one"), Line(app, "two")
        await asyncio.gather(out.until("hello"), stays.until("hello"))
        del people["one"]
        await out.task
        assert out.text.endswith("event: signed-out\ndata: {}\n\n")
        paper.write()
        await stays.until("BellRang")
        assert "BellRang" not in out.text
        people["two"] = WORKER
        await stays.task
        assert "signed-out" not in stays.text, "with another role one comes back at once"

    serve(story)


def test_there_is_room_for_so_many_and_a_free_place_is_given_again(
    people: dict[str, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_READERS", 2)

    async def story(app: live.Live, paper: Paper) -> None:
        lines = [Line(app, name) for name in ("one", "two")]
        await asyncio.gather(*(line.until("hello") for line in lines))
        late = Line(app, "one")
        await late.task
        assert late.status == 503
        lines[0].leave()
        await lines[0].task
        await Line(app, "one").until("hello")

    serve(story)


def test_one_person_does_not_take_everybodys_place(
    people: dict[str, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_EACH", 1)

    async def story(app: live.Live, paper: Paper) -> None:
        await Line(app, "one").until("hello")
        more = Line(app, "one")
        await more.task
        assert more.status == 429
        await Line(app, "two").until("hello")

    serve(story)


def test_all_are_let_go_at_once_when_the_process_stops(people: dict[str, Actor]) -> None:
    async def story(app: live.Live, paper: Paper) -> None:
        lines = [Line(app, name) for name in ("one", "two")]
        await asyncio.gather(*(line.until("hello") for line in lines))
        app.end()
        await asyncio.gather(*(line.task for line in lines))
        assert all(line.pieces[-1] == {"type": "http.response.body", "body": b""} for line in lines)
        assert not app.hub.is_well()

    serve(story)


@pytest.mark.parametrize("query", ["after=x", "after=-1", "after=99999999999999999999999", "after=%00", "other=1"])
def test_a_position_that_is_none_means_from_now_on(people: dict[str, Actor], query: str) -> None:
    async def story(app: live.Live, paper: Paper) -> None:
        line = Line(app, query=query)
        await line.until("hello")
        paper.write()
        await line.until("id: 1\n")
        assert "reset" not in line.text

    serve(story)
