"""ClamAV's daemon: files go to it over its socket and are kept nowhere.

Source: clamd(8), "INSTREAM": chunks with a length of four bytes before each, and a zero at the end.
"""

from __future__ import annotations

import re
import socket
import struct
from urllib.parse import urlsplit

from cityloom.files.plugins import Scanner, ScannerAway
from cityloom.kernel.refused import Refused

_PORT = 3310
_SECONDS = 20
_CHUNK = 1 << 18
_LONGEST_ANSWER = 4_096
_ANSWER = re.compile(rb"^stream: (?:(OK)|(.{1,300}) FOUND)$")


class Clamd(Scanner):
    """`clamd:/run/clamav/clamd.ctl`, or `clamd://host:3310`."""

    def __init__(self, address: str) -> None:
        self.name = "ClamAV"
        parts = urlsplit(address)
        self._path, self._host = ("", parts.hostname) if parts.hostname else (parts.path, "")
        self._port = parts.port or _PORT

    def check_config(self) -> None:
        """Ask whether it is there. Raises: Refused `files.scanner_config`."""
        if not (self._path or self._host):
            raise Refused("files.scanner_config", "Set CITYLOOM_SCANNER to clamd:/path/of/its/socket or"
                          " clamd://host:3310.")  # fmt: skip
        try:
            answered = self._asked(b"zPING\0", b"")
        except ScannerAway as error:
            raise Refused("files.scanner_config", "The scanner at {value} does not answer; start it, or take"
                          " CITYLOOM_SCANNER away.", value=self._path or self._host) from error  # fmt: skip
        if answered != b"PONG":
            raise Refused("files.scanner_config", "What answers at {value} is no clamd; set CITYLOOM_SCANNER to the"
                          " socket of one.", value=self._path or self._host)  # fmt: skip

    def found_in(self, content: bytes) -> str:
        chunks = [content[at : at + _CHUNK] for at in range(0, len(content), _CHUNK)]
        body = b"".join(struct.pack(">I", len(chunk)) + chunk for chunk in chunks) + struct.pack(">I", 0)
        answer = _ANSWER.match(self._asked(b"zINSTREAM\0", body))
        if answer is None:
            raise ScannerAway
        return (answer[2] or b"").decode("utf-8", "replace")

    def _asked(self, command: bytes, body: bytes) -> bytes:
        try:
            with self._connected() as line:
                line.sendall(command + body)
                return _read(line)
        except OSError as error:
            raise ScannerAway from error

    def _connected(self) -> socket.socket:
        if self._host:
            return socket.create_connection((self._host, self._port), _SECONDS)
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.settimeout(_SECONDS)
        line.connect(self._path)
        return line


def _read(line: socket.socket) -> bytes:
    found = b""
    while not found.endswith(b"\0") and len(found) < _LONGEST_ANSWER:
        some = line.recv(_LONGEST_ANSWER)
        if not some:
            break
        found += some
    return found.rstrip(b"\0\n")
