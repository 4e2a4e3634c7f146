"""Events over a NATS server with JetStream: one stream for each city, one durable pull consumer for each capability.

The network has a thread of its own; what calls this waits for it, and does its work on the database itself.
Source: NATS documentation, JetStream: streams (`Nats-Msg-Id`, duplicate window), consumers (acknowledgement).
"""

from __future__ import annotations

import asyncio
import logging
import queue
import ssl
import threading
from collections.abc import Collection, Coroutine, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, StreamConfig

from cityloom.bus.plugins import Address, Carried, LineAway
from cityloom.kernel import clock, credentials

log = logging.getLogger(__name__)
AT_ONCE = 40
"""Events on their way to one capability."""
ACK_WAIT_S = 60.0
KEPT_S = 7 * 86_400.0
_SAME_S = 3_600.0
"""So long the broker remembers ids, to tell what was sent twice."""
_ANSWER_S = 10.0
_FETCH_S = 5.0
_LONGEST_PAUSE_S = 10.0
T = TypeVar("T")
_AWAY = (nats.errors.Error, OSError, asyncio.TimeoutError, TimeoutError)


class NatsLine:
    """Speaks with a NATS server, over TLS where its address begins with `tls`; connects again by itself.

    Raises: Refused `credentials.open`, `credentials.unreadable`.
    """

    def __init__(self, address: Address) -> None:
        self._url, self._city = address.url, address.city or "city"
        self._says = credentials.read(Path(address.credentials_file) if address.credentials_file else None)
        self._trust = address.authority_file
        self.stream = f"CITYLOOM-{self._city}"
        self._came: queue.Queue[list[Carried]] = queue.Queue()
        self._serving: dict[str, asyncio.Task[None]] = {}
        self._client = Client()
        self._js: JetStreamContext | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="nats", daemon=True)
        self._thread.start()
        self._connecting = asyncio.run_coroutine_threadsafe(self._connect(), self._loop)

    @property
    def is_up(self) -> bool:
        return self._js is not None and self._client.is_connected

    def send(self, events: Sequence[tuple[str, str, bytes]]) -> None:
        if events:
            self._do(self._send(events))

    def serve(self, capabilities: Collection[str]) -> None:
        if set(capabilities) != set(self._serving):
            self._do(self._serve(set(capabilities)))

    def come(self, wait_s: float) -> list[Carried]:
        try:
            found = self._came.get(timeout=wait_s) if wait_s > 0 else self._came.get_nowait()
        except queue.Empty:
            return []
        with suppress(queue.Empty):
            while True:
                found = found + self._came.get_nowait()
        return found

    def settle(self, carried: Sequence[Carried]) -> None:
        """Where the line is down they come again, and are known to be done then."""
        with suppress(LineAway):
            self._do(self._answer(carried, None))

    def put_back(self, carried: Sequence[Carried], after_s: float) -> None:
        with suppress(LineAway):
            self._do(self._answer(carried, after_s))

    def close(self) -> None:
        self._connecting.cancel()
        with suppress(LineAway):
            self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_ANSWER_S)

    def erase(self) -> None:
        """Take the stream of this city away, with all that waits in it."""
        if self._js:
            self._do(self._js.delete_stream(self.stream))

    def _do(self, work: Coroutine[Any, Any, T], wait_s: float = _ANSWER_S) -> T:
        """Have something done in the thread of the network. Raises: LineAway."""
        doing: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return doing.result(wait_s)
        except _AWAY as error:
            doing.cancel()
            raise LineAway(type(error).__name__) from error

    async def _connect(self) -> None:
        """Go on asking until the broker answers, then see to it that there is the stream."""
        pause_s = 0.5
        while True:
            try:
                if not self._client.is_connected:
                    self._client = Client()
                    await self._client.connect(**self._how())
                self._js = await self._prepared()
            except _AWAY as error:
                log.warning("the broker between machines: %s; asking again", type(error).__name__)
                with suppress(*_AWAY):
                    await self._client.close()
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            else:
                return

    def _how(self) -> dict[str, Any]:
        says: dict[str, Any] = {
            "servers": self._url, "name": f"cityloom {self._city}", "max_reconnect_attempts": -1,
            "reconnect_time_wait": 1, "connect_timeout": 5, "error_cb": _noted, "ping_interval": 5,
            "max_outstanding_pings": 2,
        }  # fmt: skip
        if self._url.startswith("tls://"):
            says["tls"] = ssl.create_default_context(cafile=self._trust or None)
        if self._says.token:
            return says | {"token": self._says.token}
        return says | ({"user": self._says.name, "password": self._says.password} if self._says.name else {})

    async def _prepared(self) -> JetStreamContext:
        js = self._client.jetstream(timeout=_ANSWER_S)
        wanted = StreamConfig(name=self.stream, subjects=[f"cityloom.{self._city}.>"], max_age=KEPT_S,
                              duplicate_window=_SAME_S, description="events of a city")  # fmt: skip
        try:
            await js.add_stream(wanted)
        except nats.js.errors.BadRequestError:  # it is there, as an operator has set it
            await js.stream_info(self.stream)
        return js

    async def _send(self, events: Sequence[tuple[str, str, bytes]]) -> None:
        """All at once; each is kept only behind the one before it, so that none is ever before an earlier one."""
        if self._js is None:
            raise nats.errors.ConnectionClosedError
        before: dict[str, str] = {}
        sent = []
        for event_id, kind, body in events:
            subject = f"cityloom.{self._city}.{kind.removeprefix('cityloom.')}"
            headers = {"Nats-Msg-Id": event_id} | before
            sent.append(await self._js.publish_async(subject, body, stream=self.stream, headers=headers))
            before = {"Nats-Expected-Last-Msg-Id": event_id}
        for kept in await asyncio.gather(*sent, return_exceptions=True):
            if isinstance(kept, BaseException):
                self._js = await self._prepared()  # the broker may have lost its store
                raise kept

    async def _serve(self, wanted: set[str]) -> None:
        ended = [self._serving.pop(name) for name in set(self._serving) - wanted]
        for one in ended:
            one.cancel()
        await asyncio.gather(*ended, return_exceptions=True)
        for name in wanted - set(self._serving):
            self._serving[name] = asyncio.get_running_loop().create_task(self._fetch(name))

    async def _fetch(self, capability: str) -> None:
        """Take what comes for a capability; no more is asked for than may be on its way."""
        while True:
            try:
                if not self.is_up or self._js is None:
                    raise nats.errors.ConnectionClosedError
                await self._js.add_consumer(self.stream, ConsumerConfig(
                    durable_name=capability, ack_wait=ACK_WAIT_S, max_ack_pending=AT_ONCE, max_waiting=16,
                    filter_subject=f"cityloom.{self._city}.>",
                ))  # fmt: skip
                taking = await self._js.pull_subscribe_bind(capability, self.stream)
                try:
                    while True:
                        await self._pass_on(capability, taking)
                finally:  # whoever goes on must not wait for what would come here
                    await taking.unsubscribe()
            except _AWAY:
                await asyncio.sleep(1.0)

    async def _pass_on(self, capability: str, taking: JetStreamContext.PullSubscription) -> None:
        try:
            found = await taking.fetch(AT_ONCE, timeout=_FETCH_S)
        except (nats.errors.TimeoutError, TimeoutError):
            if not self.is_up:
                raise
            return
        self._came.put([Carried(_id_of(one), capability, one) for one in found])

    async def _answer(self, carried: Sequence[Carried], again_s: float | None) -> None:
        for one in carried:
            await (one.receipt.ack() if again_s is None else one.receipt.nak(delay=again_s))
        if carried:
            await self._client.flush()

    async def _close(self) -> None:
        await self._serve(set())
        await self._client.close()


def _id_of(message: Msg) -> str:
    return (message.headers or {}).get("Nats-Msg-Id", "")


async def _noted(error: Exception) -> None:
    log.info("the broker between machines: %s at %s", type(error).__name__, clock.to_text(clock.now()))
