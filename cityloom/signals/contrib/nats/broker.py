"""Messages from a NATS server with JetStream: acknowledged once they are on the disk, so that none is lost.

A durable consumer for each rule keeps the place while the bridge is away. Where no stream keeps the subjects of the
rules, the bridge makes one. The network has a thread of its own, as the library wants it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import queue
import re
import ssl
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, StreamConfig

from cityloom.kernel import credentials
from cityloom.kernel.refused import Refused
from cityloom.signals.domain.bridge import LARGEST_MESSAGE, Bridge, Message, Topic
from cityloom.signals.domain.reading import microseconds
from cityloom.signals.plugins import Take

log = logging.getLogger(__name__)
CREDENTIALS, AUTHORITY = "CITYLOOM_NATS_CREDENTIALS", "CITYLOOM_NATS_CA"
KEPT_S = 7 * 86_400.0
"""How long a stream that the bridge made keeps what comes."""
_ACK_WAIT_S = 60.0
_MOST_ON_THEIR_WAY = 10_000
_AT_ONCE = 1_000
_LOOK_S = 0.1
_FETCH_S = 2.0
_ANSWER_S = 10.0
_AGAIN_S = 1.0
_REFUSED_PAUSE_S = 5.0
_AWAY = (nats.errors.Error, OSError, asyncio.TimeoutError, TimeoutError)


class Nats:
    """Speaks with a NATS server, over TLS where its address begins with `tls`."""

    schemes = ("nats", "tls")

    def run(self, bridge: Bridge, take: Take, stop: threading.Event, tell: Callable[[str], None]) -> None:
        """Bring messages until told to stop.

        Raises: Refused `signals.bridge`, `signals.broker_refuses`, `credentials.open`, `credentials.unreadable`.
        """
        link = Link(bridge)
        said = ""
        try:
            while not stop.is_set():
                if link.refusal:
                    raise link.refusal
                if link.line != said:
                    tell(said := link.line)
                messages = link.gather()
                if _hand_over(messages, take, stop):
                    link.acknowledge(messages)
        finally:
            link.end()


class Link:
    """A connection, and what has come on it; it asks for more when what came was taken."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._subjects = [subject_of(topic) for topic in bridge.topics]
        self._how = _how(bridge)
        self._came: queue.Queue[list[Msg]] = queue.Queue()
        self._room = threading.Semaphore(2)  # one batch is taken while the next one is on its way
        self.refusal: Refused | None = None
        self.line = ""
        self._client = Client()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="nats", daemon=True)
        self._thread.start()
        self._bringing = asyncio.run_coroutine_threadsafe(self._bring(), self._loop)

    def gather(self) -> list[Msg]:
        """What has come, or nothing after a moment."""
        try:
            return self._came.get(timeout=_LOOK_S)
        except queue.Empty:
            return []

    def acknowledge(self, messages: Sequence[Msg]) -> None:
        """Tell the server that these are kept; where the line is down, it sends them again, and they are known."""
        if messages:
            self._room.release()
            with suppress(*_AWAY):
                asyncio.run_coroutine_threadsafe(_acknowledged(messages), self._loop).result(_ANSWER_S)

    def end(self) -> None:
        """Close the line; the server keeps what comes for the next one."""
        self._bringing.cancel()
        with suppress(*_AWAY):
            asyncio.run_coroutine_threadsafe(self._closed(), self._loop).result(_ANSWER_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_ANSWER_S)

    async def _bring(self) -> None:
        while self.refusal is None:
            try:
                await self._client.connect(**self._how)
                js = self._client.jetstream(timeout=_ANSWER_S)
                streams = await self._streams(js)
                works: list[Coroutine[Any, Any, None]] = [
                    self._fetch(js, stream, subject) for stream, subject in zip(streams, self._subjects, strict=True)
                ]
                self.line = "connected"
                await asyncio.gather(*works)
            except nats.js.errors.BadRequestError as error:
                self.refusal = _unfit(error.description or "the server refuses its topics")
            except _AWAY as error:
                if "authorization" in str(error).lower():
                    self.refusal = _refuses(self._bridge)
                self.line = f"the line is down ({type(error).__name__}); trying again"
                with suppress(*_AWAY):
                    await self._client.close()
                self._client = Client()
                await asyncio.sleep(_AGAIN_S)

    async def _streams(self, js: JetStreamContext) -> list[str]:
        """The stream that keeps each subject; one that is made here keeps those that no other does."""
        found = [await _stream_of(js, subject) for subject in self._subjects]
        own = re.sub(r"[^A-Za-z0-9_-]", "-", f"CITYLOOM-READINGS-{self._bridge.client}")
        left = sorted({subject for subject, stream in zip(self._subjects, found, strict=True) if not stream})
        if left:
            await js.add_stream(StreamConfig(name=own, subjects=left, max_age=KEPT_S, description="readings of a city",
                                             max_msg_size=LARGEST_MESSAGE))  # fmt: skip
        return [stream or own for stream in found]

    async def _fetch(self, js: JetStreamContext, stream: str, subject: str) -> None:
        durable = _durable(self._bridge.client, subject)
        await js.add_consumer(stream, ConsumerConfig(
            durable_name=durable, filter_subject=subject, ack_wait=_ACK_WAIT_S, max_ack_pending=_MOST_ON_THEIR_WAY,
        ))  # fmt: skip
        taking = await js.pull_subscribe_bind(durable, stream)
        many = max(_AT_ONCE // len(self._subjects), 10)
        while True:
            try:
                found = await taking.fetch(many, timeout=_FETCH_S)
            except (nats.errors.TimeoutError, TimeoutError):
                if not self._client.is_connected:
                    raise
                continue
            while not self._room.acquire(blocking=False):  # what came before is still being kept: the server waits
                await asyncio.sleep(0.002)
            self._came.put(found)

    async def _closed(self) -> None:
        """What was not taken comes to the next one at once."""
        with suppress(queue.Empty):
            while True:
                for one in self._came.get_nowait():
                    await one.nak()
        await self._client.close()


def subject_of(topic: Topic) -> str:
    """What the server is asked for: levels are parted by dots there.

    Raises: Refused `signals.bridge`.
    """
    levels = topic.filter.split("/")
    if any(set(level) & set(". \t*>") or not level for level in levels):
        raise _unfit(f"{topic.template}: a level of a subject of NATS has no dot, space, * or > in it")
    return ".".join({"+": "*", "#": ">"}.get(level, level) for level in levels)


def _how(bridge: Bridge) -> dict[str, Any]:
    path = os.environ.get(CREDENTIALS)
    says = credentials.read(Path(path) if path else None)
    how: dict[str, Any] = {
        "servers": bridge.broker, "name": f"cityloom {bridge.client}", "connect_timeout": 5, "error_cb": _noted,
        "allow_reconnect": False, "ping_interval": 5, "max_outstanding_pings": 2,
    }  # fmt: skip
    if bridge.broker.startswith("tls://"):
        how["tls"] = ssl.create_default_context(cafile=os.environ.get(AUTHORITY) or None)
    if says.token:
        return how | {"token": says.token}
    return how | ({"user": says.name, "password": says.password} if says.name else {})


async def _stream_of(js: JetStreamContext, subject: str) -> str:
    with suppress(nats.js.errors.NotFoundError):
        return await js.find_stream_name_by_subject(subject)
    return ""


async def _acknowledged(messages: Sequence[Msg]) -> None:
    for one in messages:
        await one.ack()


async def _noted(error: Exception) -> None:
    log.info("the broker of readings: %s", type(error).__name__)


def _durable(client: str, subject: str) -> str:
    """The name of a consumer: for people, and the same for the same rule."""
    return f"{re.sub(r'[^A-Za-z0-9_-]', '-', client)}-{hashlib.sha256(subject.encode()).hexdigest()[:12]}"


def _unfit(what: str) -> Refused:
    return Refused("signals.bridge", "The file of the bridge does not fit: {value}. `cityloom readings schema` prints "
                   "what fits.", value=what)  # fmt: skip


def _refuses(bridge: Bridge) -> Refused:
    return Refused("signals.broker_refuses", "The broker {value} lets nobody in under this name; set {limit} and start"
                   " again.", value=bridge.broker, limit=CREDENTIALS)  # fmt: skip


def _hand_over(messages: Sequence[Msg], take: Take, stop: threading.Event) -> bool:
    """Hand messages over; where they cannot be kept now, again after a pause: the server waits meanwhile.

    A number alone is of the instant at which the server got it, also when it comes again.
    """
    told = [Message(one.subject.replace(".", "/"), one.data, microseconds(one.metadata.timestamp)) for one in messages]
    while True:
        try:
            take(told)
        except Refused as refusal:
            log.warning("readings cannot be kept now: %s", refusal.code)
            if stop.wait(_REFUSED_PAUSE_S):
                return False
        else:
            return True
