"""Where the city listens."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Sequence

from cityloom.kernel.refused import Refused

FIRST_PORT = 8471
_TRIES = 100


def is_loopback(host: str) -> bool:
    """Whether every address behind a name stays on this machine.

    Raises: Refused `serve.unknown_host`.
    """
    return all(ipaddress.ip_address(info[4][0]).is_loopback for info in _resolved(host))


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets on every address of a host, waiting for connections.

    Raises: Refused `serve.unknown_host` or `serve.port_taken`; OSError for anything else.
    """
    taken: list[socket.socket] = []
    try:
        for family, _, _, _, address in _resolved(host):
            taken += _bound(family, (address[0], port))
    except BaseException:
        close(taken)
        raise
    if not taken:
        raise Refused("serve.unknown_host", "This machine has no address {value}; try localhost.", value=host)
    return taken


def listen_from(host: str, port: int) -> list[socket.socket]:
    """Sockets on the first free port from `port` on.

    Raises: Refused `serve.port_taken` when a hundred of them are taken.
    """
    for candidate in range(port, port + _TRIES - 1):
        try:
            return listen(host, candidate)
        except Refused as refusal:
            if refusal.code != "serve.port_taken":
                raise
    return listen(host, port + _TRIES - 1)


def port_of(sockets: Sequence[socket.socket]) -> int:
    """The port that sockets listen on."""
    return int(sockets[0].getsockname()[1])


def close(sockets: Sequence[socket.socket]) -> None:
    """Let go of sockets."""
    for one in sockets:
        one.close()


def _bound(family: int, address: tuple[str, int]) -> list[socket.socket]:
    """One listening socket; none where the machine does not have the address (no IPv6, say)."""
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
        made.listen(256)
    except OSError as error:
        made.close()
        if error.errno == errno.EADDRINUSE:
            raise Refused(
                "serve.port_taken", "Port {value} is taken; name another with --port, or leave it out.",
                value=address[1],
            ) from error  # fmt: skip
        if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            return []
        raise
    return [made]


def _resolved(host: str) -> list[tuple]:  # type: ignore[type-arg]
    try:
        return socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        sentence = "The name {value} leads to no address; try localhost."
        raise Refused("serve.unknown_host", sentence, value=host) from error
