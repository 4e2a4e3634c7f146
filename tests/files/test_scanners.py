"""Files are looked through before they are kept; where the city has a scanner, none gets past it."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cityloom.files import queries
from cityloom.files.contrib.clamd import Clamd
from cityloom.files.contrib.demo import DemoScanner
from cityloom.files.plugins import ScannerAway
from cityloom.kernel.refused import Refused

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def refusal(content: bytes) -> str:
    with pytest.raises(Refused) as caught:
        queries.looked_at("letter.txt", content)
    return caught.value.code


def test_without_a_scanner_a_file_says_that_nothing_looked_through_it(settings: Any) -> None:
    settings.CITYLOOM_SCANNER = ""
    assert queries.looked_at("letter.txt", b"hello").scanner == ""


def test_what_the_scanner_finds_is_refused_and_what_it_cannot_see_too(settings: Any) -> None:
    settings.CITYLOOM_SCANNER = "demo:"
    assert queries.looked_at("letter.txt", b"hello").scanner == "demo scanner"
    assert refusal(EICAR) == "files.harmful"
    settings.CITYLOOM_SCANNER = "demo-away:"
    assert refusal(b"hello") == "files.scanner_away"
    settings.CITYLOOM_SCANNER = "norton:"
    assert refusal(b"hello") == "files.scanner_config"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[str]:
    """What speaks as clamd(8) says, and finds what the demo scanner finds."""
    place = tmp_path / "clamd"
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(place))
    listening.listen()

    def serve() -> None:
        while True:
            try:
                line, _ = listening.accept()
            except OSError:
                return
            with line, line.makefile("rb") as reading:
                command = b"".join(iter(lambda: reading.read(1), b"\0"))
                if command == b"zPING":
                    line.sendall(b"PONG\0")
                    continue
                content = b""
                while size := struct.unpack(">I", reading.read(4))[0]:
                    content += reading.read(size)
                found = DemoScanner().found_in(content)
                line.sendall(f"stream: {found} FOUND\0".encode() if found else b"stream: OK\0")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield str(place)
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join(5)


def test_clamd_is_asked_over_its_socket(daemon: str) -> None:
    scanner = Clamd(f"clamd:{daemon}")
    scanner.check_config()
    assert scanner.found_in(b"hello") == ""
    assert scanner.found_in(bytes(600_000) + EICAR) == "EICAR-Test-File"


def test_a_clamd_that_is_not_there_is_away(tmp_path: Path) -> None:
    scanner = Clamd(f"clamd:{tmp_path / 'nobody'}")
    with pytest.raises(ScannerAway):
        scanner.found_in(b"hello")
    with pytest.raises(Refused) as caught:
        scanner.check_config()
    assert caught.value.code == "files.scanner_config"
