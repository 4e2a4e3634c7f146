"""The processes of a running city: how each is started, and how one sees that it is well."""

from __future__ import annotations

import http.client
import os
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from cityloom.keeper import protocol, wire
from cityloom.kernel import clock
from cityloom.project import machines
from cityloom.project.home import Home

HEALTH_PATH = "/health/live/"
_TIMEOUT_S = 2.0
_BEAT_S = 60.0


@dataclass(frozen=True)
class Part:
    """One process; `sockets` are handed to it and stay open when it has to be started again."""

    name: str
    command: tuple[str, ...]
    is_well: Callable[[], bool]
    sockets: tuple[socket.socket, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    is_wanted: Callable[[], bool] = lambda: True
    """Whether it has anything to do; a process that has is started while the city is served."""
    says: Callable[[], str] = lambda: ""
    """What an operator is to know of it besides."""


def parts_of(
    home: Home, url: str, live_url: str, web: Sequence[socket.socket], live: Sequence[socket.socket]
) -> list[Part]:
    """The processes, in the order of starting: four, and those for which a file says what they exchange."""
    urls = {"CITYLOOM_LIVE_URL": live_url, "CITYLOOM_WEB_URL": url, "CITYLOOM_HOSTS": _hosts(url)}
    return [
        Part("keeper", _keeper(home), lambda: keeper_answers(home.socket("keeper"))),
        Part("worker", _child("worker"), lambda: beats(beat_file(home)), says=machines.says(home)),
        Part("web", _child("web", web), lambda: answers(web), tuple(web), urls),
        Part("live", _child("live", live), lambda: answers(live), tuple(live), urls),
        Part("ingest", _child("ingest"), lambda: beats(beat_file(home, "ingest")), is_wanted=lambda: takes_in(home)),
        Part("switchboard", _child("switchboard"), lambda: beats(beat_file(home, "switchboard")), environment=urls,
             is_wanted=lambda: exchanges(home)),
    ]  # fmt: skip


def takes_in(home: Home) -> bool:
    """Whether readings come in at a high rate here: from a broker, or from a folder."""
    return home.bridge.exists() or home.readings.is_dir()


def exchanges(home: Home) -> bool:
    """Whether SensorThings is exchanged with a broker here."""
    return home.switchboard.exists()


def beat_file(home: Home, name: str = "worker") -> Path:
    """The file that the worker, or another that goes round, touches on each round."""
    return home.run_dir / f"{name}.beat"


def keeper_answers(address: Path) -> bool:
    """Whether the keeper replies to a ping."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(_TIMEOUT_S)
            link.connect(str(address))
            wire.send(link, protocol.Ping())
            return wire.receive(link) is not None
    except OSError:
        return False


def beats(path: Path) -> bool:
    """Whether somebody went round not long ago."""
    try:
        age = clock.SystemClock().now().timestamp() - path.stat().st_mtime
    except OSError:
        return False
    return age < _BEAT_S


def answers(sockets: Sequence[socket.socket]) -> bool:
    """Whether a web server answers its health check."""
    host, port = sockets[0].getsockname()[:2]
    link = http.client.HTTPConnection({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port, timeout=_TIMEOUT_S)  # noqa: S104
    try:
        link.request("GET", HEALTH_PATH, headers={"Host": "localhost"})
        return link.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        link.close()


def _keeper(home: Home) -> tuple[str, ...]:
    return (
        sys.executable, "-m", "cityloom.keeper.server", "--dir", str(home.keeper_dir),
        "--socket", str(home.socket("keeper")), "--assertion-key-file", str(home.secret_file("assertion")),
        "--die-with-parent",
    )  # fmt: skip


def _child(name: str, sockets: Sequence[socket.socket] = ()) -> tuple[str, ...]:
    handles = [str(one.fileno()) for one in sockets]
    return (sys.executable, "-m", "cityloom.project.child", name, str(os.getpid()), *handles)


def _hosts(url: str) -> str:
    allowed = os.environ.get("CITYLOOM_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
    return ",".join(dict.fromkeys([*allowed, urlsplit(url).hostname or ""]))
