"""The witness's small HTTP server: hand in a checkpoint, read the newest that was cosigned."""

from __future__ import annotations

import re
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cityloom.keeper.witness import MOST_BODY_BYTES, Answer, Witness
from cityloom.kernel import clock

_MONITORED = re.compile(r"/([0-9a-f]{64})/checkpoint")
_PATIENCE_S = 10.0


class WitnessServer(ThreadingHTTPServer):
    """Serves one witness."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], witness: Witness) -> None:
        super().__init__(address, _Handler)
        self.witness = witness


class _Handler(BaseHTTPRequestHandler):
    server: WitnessServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "cityloom-witness", ""
    timeout = _PATIENCE_S

    def do_POST(self) -> None:
        self._answer(self._posted)

    def do_GET(self) -> None:
        self._answer(self._asked)

    def log_message(self, *_: object) -> None:
        """Write nothing: addresses of those who ask are nobody's business."""

    def _posted(self) -> Answer:
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"[0-9]{1,9}", length) or int(length) > MOST_BODY_BYTES:
            self.close_connection = True  # what follows is not read, so it must not be taken for a request
            return Answer(413 if length else 411, f"Send at most {MOST_BODY_BYTES} bytes, and say how many.\n")
        body = self.rfile.read(int(length))
        if self.path.rpartition("/")[2] != "add-checkpoint":
            return Answer(404, "There is nothing here.\n")
        try:
            return self.server.witness.add_checkpoint(body.decode(), int(clock.now().timestamp()))
        except UnicodeDecodeError:
            return Answer(400, "The body is not UTF-8.\n")

    def _asked(self) -> Answer:
        found = _MONITORED.fullmatch(self.path)
        return self.server.witness.checkpoint(found[1]) if found else Answer(404, "There is nothing here.\n")

    def _answer(self, work: Callable[[], Answer]) -> None:
        answer = work()
        raw = answer.body.encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)
