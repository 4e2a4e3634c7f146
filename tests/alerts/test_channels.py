"""The channels that come with Cityloom, against real files and real servers on this machine."""

from __future__ import annotations

import base64
import errno
import hashlib
import socketserver
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cityloom.alerts import plugins, queries
from cityloom.alerts.contrib import file as files
from cityloom.alerts.contrib.demo import DemoCrashesChannel, DemoRefusesChannel
from cityloom.alerts.contrib.file import FileChannel
from cityloom.alerts.contrib.smtp import SmtpChannel
from cityloom.alerts.contrib.webhook import WebhookChannel
from cityloom.alerts.domain import capxml
from cityloom.alerts.domain import document as documents
from cityloom.alerts.plugins import ChannelRefused, OutcomeUnknown, OutgoingMessage
from cityloom.kernel.canonical import digest
from cityloom.kernel.refused import Refused
from tests.alerts import examples


@pytest.fixture
def message() -> OutgoingMessage:
    document = examples.document(exercise=False, synthetic_city=False)
    return OutgoingMessage("KEY", "any", "id", capxml.build_xml(document), documents.unsent_of(document),
                           digest(document))  # fmt: skip


def _set(settings: Any, **options: Any) -> None:
    settings.CITYLOOM = settings.CITYLOOM | {"ALERTS": options}


def _refusal(channel: plugins.Channel, message: OutgoingMessage) -> ChannelRefused:
    with pytest.raises(ChannelRefused) as refusal:
        plugins.hand_over(channel, message)
    return refusal.value


class TestFile:
    @pytest.fixture(autouse=True)
    def outbox(self, settings: Any, tmp_path: Path) -> Path:
        settings.CITYLOOM = settings.CITYLOOM | {"OUTBOX_DIR": tmp_path}
        return tmp_path / "alerts"

    def test_the_file_is_the_alert_and_a_repeat_changes_nothing(self, outbox: Path, message: OutgoingMessage) -> None:
        first, second = (plugins.hand_over(FileChannel(), message) for _ in range(2))
        assert [path.read_bytes() for path in outbox.iterdir()] == [message.xml]
        assert (first.repeated, second.repeated) == (False, True)

    def test_another_alert_under_its_name_is_not_overwritten(self, outbox: Path, message: OutgoingMessage) -> None:
        outbox.mkdir()
        (outbox / "KEY.cap.xml").write_bytes(b"other")
        assert _refusal(FileChannel(), message).final
        assert (outbox / "KEY.cap.xml").read_bytes() == b"other"

    def test_a_full_disk_leaves_no_half_file(
        self, outbox: Path, message: OutgoingMessage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(handle: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(files.os, "fsync", full)
        refusal = _refusal(FileChannel(), message)
        assert (refusal.final, refusal.value) == (False, "ENOSPC")
        assert list(outbox.iterdir()) == []


class _Gateway(BaseHTTPRequestHandler):
    status: ClassVar[int] = 200
    seen: ClassVar[list[tuple[dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((dict(self.headers), body))
        self.send_response(self.status)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


class TestWebhook:
    @pytest.fixture(autouse=True)
    def gateway(self, settings: Any) -> Iterator[type[_Gateway]]:
        handler = type("Gateway", (_Gateway,), {"seen": []})
        with HTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            _set(settings, WEBHOOK_URL=f"http://127.0.0.1:{server.server_port}/cap", WEBHOOK_TOKEN="secret")
            yield handler
            server.shutdown()

    def test_the_gateway_gets_the_bytes_and_the_key(self, gateway: type[_Gateway], message: OutgoingMessage) -> None:
        assert plugins.hand_over(WebhookChannel(), message).text == "HTTP 200"
        [(headers, body)] = gateway.seen
        assert body == message.xml
        assert (headers["Idempotency-Key"], headers["Content-Type"]) == ("KEY", "application/cap+xml")
        assert headers["Content-Digest"] == f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
        assert headers["Authorization"] == "Bearer secret"

    @pytest.mark.parametrize(("status", "final"), [
        (302, True), (400, True), (401, True), (404, True), (408, False), (429, False), (500, False), (503, False),
    ])  # fmt: skip
    def test_other_answers(self, gateway: type[_Gateway], message: OutgoingMessage, status: int, final: bool) -> None:
        gateway.status = status
        assert _refusal(WebhookChannel(), message).final is final
        assert len(gateway.seen) == 1

    def test_nobody_there(self, settings: Any, message: OutgoingMessage) -> None:
        _set(settings, WEBHOOK_URL="http://127.0.0.1:1/")
        assert not _refusal(WebhookChannel(), message).final

    @pytest.mark.parametrize(
        "url", ["", "http://example.org/", "ftp://127.0.0.1/", "https://", "http://127.0.0.1.evil/"]
    )
    def test_only_https_or_this_machine(self, settings: Any, message: OutgoingMessage, url: str) -> None:
        _set(settings, WEBHOOK_URL=url)
        assert _refusal(WebhookChannel(), message).code == "alerts.webhook_not_set"
        assert {facts.name for facts in queries.channels() if facts.missing} == {"webhook", "smtp"}


class _MailServer(socketserver.StreamRequestHandler):
    """As much of SMTP as one mail needs; `answers` replaces the reply to a command, None hangs up."""

    answers: ClassVar[dict[str, str | None]] = {}
    mails: ClassVar[list[bytes]] = []

    def handle(self) -> None:
        self._say("220 ready")
        while line := self.rfile.readline():
            verb = line.split()[0].upper().decode()
            if verb == "DATA" and "DATA" not in self.answers:
                self._say("354 go on")
                self.mails.append(b"".join(iter(self.rfile.readline, b".\r\n")))
                verb = "END"
            answer = self.answers.get(verb, "250 ok")
            if answer is None:
                return
            self._say(answer)

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


class TestMail:
    @pytest.fixture(autouse=True)
    def server(self, settings: Any) -> Iterator[type[_MailServer]]:
        handler = type("Server", (_MailServer,), {"answers": {}, "mails": []})
        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            _set(settings, SMTP_HOST="127.0.0.1", SMTP_PORT=server.server_address[1],
                 SMTP_FROM="city@cityloom.invalid", SMTP_TO=["a@cityloom.invalid", "b@cityloom.invalid"])  # fmt: skip
            yield handler
            server.shutdown()

    def test_the_mail_says_the_alert_in_both_languages(
        self, server: type[_MailServer], message: OutgoingMessage
    ) -> None:
        assert plugins.hand_over(SmtpChannel(), message).text == "accepted for 2 of 2"
        mail = message_from_bytes(server.mails[0], policy=policy.default)
        text, attached = mail.get_body().get_content(), next(mail.iter_attachments()).get_content()
        assert attached == message.xml
        assert all(words["instruction"] in text for words in examples.WORDS.values())
        assert "a@cityloom.invalid" not in str(mail)

    @pytest.mark.parametrize(("answers", "final"), [
        ({"RCPT": "550 no"}, True), ({"RCPT": "451 later"}, False), ({"MAIL": "550 no"}, True),
        ({"END": "554 no"}, True), ({"END": "451 later"}, False), ({"EHLO": None, "HELO": None}, False),
    ])  # fmt: skip
    def test_a_server_that_says_no(
        self, server: type[_MailServer], message: OutgoingMessage, answers: dict[str, str | None], final: bool
    ) -> None:
        server.answers.update(answers)
        assert _refusal(SmtpChannel(), message).final is final

    def test_a_server_that_falls_silent_after_it_had_the_mail(
        self, server: type[_MailServer], message: OutgoingMessage
    ) -> None:
        server.answers["END"] = None
        with pytest.raises(OutcomeUnknown):
            plugins.hand_over(SmtpChannel(), message)

    def test_nobody_there(self, settings: Any, message: OutgoingMessage) -> None:
        settings.CITYLOOM["ALERTS"]["SMTP_PORT"] = 1
        assert not _refusal(SmtpChannel(), message).final

    def test_no_settings(self, settings: Any, message: OutgoingMessage) -> None:
        _set(settings)
        assert _refusal(SmtpChannel(), message).code == "alerts.mail_not_set"


def test_demo_channels_refuse_and_crash(message: OutgoingMessage) -> None:
    assert _refusal(DemoRefusesChannel(), message).final
    with pytest.raises(RuntimeError):
        plugins.hand_over(DemoCrashesChannel(), message)


@pytest.mark.parametrize("channel", [FileChannel(), WebhookChannel(), SmtpChannel()])
def test_an_exercise_never_leaves_the_demo_channels(
    channel: plugins.Channel, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    _set(settings, SMTP_HOST="127.0.0.1", SMTP_FROM="a@cityloom.invalid", SMTP_TO=["b@cityloom.invalid"])
    document = examples.document()
    message = OutgoingMessage("KEY", channel.name, "id", capxml.build_xml(document), documents.unsent_of(document),
                              digest(document))  # fmt: skip
    monkeypatch.setattr(type(channel), "deliver", lambda *_: pytest.fail("the exercise left"))
    with pytest.raises(Refused) as refusal:
        plugins.hand_over(channel, message)
    assert refusal.value.code == "alerts.exercise_leaves"
