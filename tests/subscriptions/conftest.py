"""A keeper, a small city, and the servers that stand for the world outside: a push service and a mail server."""

from __future__ import annotations

import base64
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
import shapely
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings as django_settings
from django.core.cache import cache

from cityloom.accounts.models import Unit
from cityloom.alerts import actions as alerts
from cityloom.alerts.domain.cap import time_text
from cityloom.gate import actions as gate
from cityloom.kernel import cells, clock
from cityloom.kernel.canonical import digest
from cityloom.registers.models import Building, City
from cityloom.subscriptions import actions, jobs
from cityloom.subscriptions.contrib.web_push import sealing
from cityloom.subscriptions.domain.wish import Address, Place, Wish
from tests.alerts import examples

INSIDE, OUTSIDE = (113.951, 22.531), (113.960, 22.531)
"""A place in the alert's square (`examples.SQUARE`), and one a few hundred metres beside it, in the same cell."""
WORDS = {
    "en": {"event": "Ground collapse", "headline": "Leave the buildings around Keyuan Road now",
           "description": "The ground has collapsed in Keyuan Road.", "area": "Keyuan Road",
           "instruction": "Take your medicine and walk to the school."},
    "zh-Hans": {"event": "地面塌陷", "headline": "请立即离开科苑路周边建筑", "description": "科苑路发生地面塌陷。",
                "instruction": "请携带药品，步行前往学校。", "area": "科苑路"},
}  # fmt: skip


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[gate.Running]:
    place, before = tmp_path_factory.mktemp("keeper"), dict(django_settings.CITYLOOM)
    (place / "assertion").write_text("a key for tests")
    django_settings.CITYLOOM.update(
        KEEPER_DIR=place / "keeper", KEEPER_SOCKET=place / "socket", ASSERTION_KEY_FILE=place / "assertion"
    )
    running = gate.start_keeper(log=place / "words")
    yield running
    running.stop()
    django_settings.CITYLOOM.update(before)


@pytest.fixture(autouse=True)
def world(keeper: gate.Running, db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A city of real people with one building; what it sends ends in a folder."""
    cache.clear()
    jobs._areas_of.cache_clear()
    (tmp_path / "push-key").write_text("a key for tests")
    for name, value in {"OUTBOX_DIR": tmp_path, "PUSH_KEY_FILE": tmp_path / "push-key", "ALERTS": {}}.items():
        monkeypatch.setitem(django_settings.CITYLOOM, name, value)
    City.objects.create(
        name="Testtown", kind="folder", is_synthetic=False, timezone="Asia/Shanghai", west=113.9, south=22.4,
        east=114.1, north=22.7, data_version="1", seed=1, built_at=clock.now(), reaches={"building": 20.0},
    )  # fmt: skip
    lon, lat = INSIDE
    Building.objects.create(
        id=1, large=0, cell=cells.cell_of(lon, lat), lon=lon, lat=lat, reach_m=20.0, use="apartments", levels=2,
        gross_floor_m2=100.0, dwellings=1, first_dwelling_id=1, people_day=1, street="Keyuan Road", house_number="7",
        unit_id="city/d01/s01", made_up=0, footprint=shapely.box(lon - 1e-4, lat - 1e-4, lon + 1e-4, lat + 1e-4).wkb,
    )  # fmt: skip
    for name, kind, english, chinese, parent in (
        ("city", "city", "City", "市", None), ("city/d01", "district", "Nanshan", "南山区", "city"),
        ("city/d01/s01", "subdistrict", "Yuehai", "粤海街道", "city/d01"),
        ("city/d02", "district", "Futian", "福田区", "city"),
    ):  # fmt: skip
        Unit.objects.update_or_create(
            id=name, defaults={"kind": kind, "name_en": english, "name_zh": chinese, "parent_id": parent}
        )
    return tmp_path


def mail(to: str = "li@example.org", **over: Any) -> Address:
    return Address(**{"way": "mail", "to": to, "language": "en", "secret": "", "site": "http://city.test"} | over)


def subscribed(where: Place | tuple[float, float] = INSIDE, to: str = "li@example.org", *, active: bool = True,
               is_demo: bool = False, address: Address | None = None, **wish: Any) -> actions.Kept:  # fmt: skip
    """A subscription, confirmed unless it is not to be."""
    place = where if isinstance(where, Place) else Place(*where)
    kept = actions.subscribe(
        at=clock.now(), wish=Wish(place, **wish), address=address or mail(to), is_demo=is_demo
    )
    assert kept is not None
    if active:
        actions.confirm(subscription_id=kept.id, secret=kept.secret, at=clock.now())
    return kept


def issued(at: datetime | None = None, *, exercise: bool = False, **changes: Any) -> str:
    """An alert over the square; its id. `at` is when it is sent."""
    at = at or clock.now()
    parts = {
        "exercise": exercise, "synthetic_city": False, "sent": time_text(at), "info": WORDS, "channels": ["file"],
        "expires": time_text(at + timedelta(hours=6)),
    }  # fmt: skip
    if exercise:
        parts |= {"info": examples.WORDS, "channels": examples.DEMO}
    document = examples.document(**parts | changes)
    send = {"Alert": alerts.send, "Update": alerts.update, "Cancel": alerts.cancel}[document["message_type"]]
    alert = send(**examples.order(document, at=at, approved_digest=digest(document)))
    actions.begin_telling(alert_id=alert, is_actual=not exercise, exercise_id="01HEXERCISE" if exercise else "", at=at)
    return alert


@dataclass
class Browser:
    """A browser's side of a push subscription: its endpoint and keys, and what it can read."""

    endpoint: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    secret: bytes = b"0123456789abcdef"

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def address(self, **over: Any) -> Address:
        return mail(self.endpoint, way="push", p256dh=sealing.encoded(self.public), auth=sealing.encoded(self.secret),
                    **over)  # fmt: skip

    def read(self, body: bytes) -> bytes:
        """Decrypt as a browser does. Source: RFC 8291, section 3.4."""
        salt, sender, sealed = body[:16], body[21 : 21 + body[20]], body[21 + body[20] :]
        there = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        shared = self.key.exchange(ec.ECDH(), there)
        keying = sealing._derived(self.secret, shared, b"WebPush: info\x00" + self.public + sender, 32)
        key = sealing._derived(salt, keying, b"Content-Encoding: aes128gcm\x00", 16)
        nonce = sealing._derived(salt, keying, b"Content-Encoding: nonce\x00", 12)
        return AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\x00")[:-1]


@dataclass
class PushService:
    """A push service on this machine: it checks who speaks, and keeps what came."""

    url: str = ""
    answers: dict[str, int] = field(default_factory=dict)
    taken: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def browser(self, name: str = "one") -> Browser:
        return Browser(f"{self.url}/{name}")

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        token, key = headers["authorization"].removeprefix("vapid t=").split(", k=")
        point = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        claims = jwt.decode(token, public, algorithms=["ES256"], audience=self.url)
        assert claims["sub"].startswith("mailto:") and headers["content-encoding"] == "aes128gcm"
        status = self.answers.get(path, 201)
        if status == 201:
            self.taken.append((path, headers, body))
        return status


@pytest.fixture
def push(monkeypatch: pytest.MonkeyPatch) -> Iterator[PushService]:
    service = PushService()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(service.take(self.path, headers, body))
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    with _running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        service.url = f"http://127.0.0.1:{port}"
        monkeypatch.setitem(django_settings.CITYLOOM, "PUSH_TEST_SERVICE", service.url)
        yield service


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, bytes]]]:
    """A mail server on this machine, and what it took: recipient and mail."""
    taken: list[tuple[str, bytes]] = []

    class Handler(socketserver.StreamRequestHandler):
        def say(self, words: str) -> None:
            self.wfile.write(f"{words}\r\n".encode())

        def handle(self) -> None:
            to = ""
            self.say("220 tests")
            while line := self.rfile.readline().decode().strip():
                command = line.upper()
                if command.startswith("RCPT"):
                    to = line.partition("<")[2].rstrip(">")
                    self.say("550 nobody" if to.startswith("nobody") else "250 yes")
                elif command == "DATA":
                    self.say("354 go on")
                    taken.append((to, b"".join(iter(self.rfile.readline, b".\r\n"))))
                    self.say("250 taken")
                elif command == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 yes")

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    with _running(server) as port:
        options = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": port, "SMTP_FROM": "warnings@city.test"}
        monkeypatch.setitem(django_settings.CITYLOOM, "ALERTS", options)
        yield taken


class _running:  # noqa: N801 - read as a word
    def __init__(self, server: Any) -> None:
        self.server, server.daemon_threads = server, True

    def __enter__(self) -> int:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return int(self.server.server_address[1])

    def __exit__(self, *_: Any) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def said(push: PushService) -> Callable[[Browser], list[dict[str, str]]]:
    """What a browser has shown."""
    return lambda browser: [
        json.loads(browser.read(body)) for path, _headers, body in push.taken if browser.endpoint.endswith(path)
    ]
