"""The keeper's process: a Unix socket for this user alone, a thread for each client, one desk behind them."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sqlite3
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from cityloom.keeper import door, loading, protocol, store, wire
from cityloom.keeper.desk import Desk, denied
from cityloom.keeper.door import Door
from cityloom.keeper.keyring import KeySpoilt, OldKeeper
from cityloom.keeper.log import LogBroken, LogFailed
from cityloom.keeper.protocol import BeginLoad, Denied, Done, EndLoad, Seal
from cityloom.keeper.slots import SlotsSpoilt
from cityloom.kernel import disk
from cityloom.kernel.refused import Refused

MAX_CLIENTS = 128
_LOOK_UP_S = 0.5
EXIT_BUSY, EXIT_MISSING = 3, 5
_logger = logging.getLogger(__name__)


class Server:
    """Accepts clients of its own user, and answers them until it is told to stop."""

    def __init__(self, folder: Path, address: Path, assertion_key: bytes) -> None:
        self._folder = folder
        self._address = address
        self._desk = Desk(folder, assertion_key)
        self._door = Door(assertion_key, door.begin_run(address))
        self._places = threading.BoundedSemaphore(MAX_CLIENTS)
        self._listener = _listen(address)
        self._stopping = False

    def serve(self) -> None:
        """Accept clients until `stop`."""
        while not self._stopping:
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            if wire.peer_uid(client) != os.getuid() or not self._places.acquire(blocking=False):
                client.close()
                continue
            threading.Thread(target=self._attend, args=(client,), daemon=True).start()

    def stop(self) -> None:
        """Take no more clients; `serve` then returns."""
        self._stopping = True
        loading.hang_up(self._listener)
        self._listener.close()

    def close(self) -> None:
        """Remove the socket and finish the log."""
        self._address.unlink(missing_ok=True)
        door.end_run(self._address)
        self._desk.close()

    def _attend(self, client: socket.socket) -> None:
        try:
            with client:
                self._converse(client)
        except OSError:
            pass  # the client has gone; what it asked for is logged
        except Exception:
            _logger.exception("a conversation failed")
        finally:
            self._places.release()

    def _converse(self, client: socket.socket) -> None:
        while (request := _next_request(client)) is not None:
            if isinstance(request, Refused):
                wire.send(client, self._desk.turn_away(request))
                return
            try:
                request = self._door.let_in(request)
            except Refused as refusal:
                wire.send(client, self._desk.turn_away(refusal))
                continue
            if isinstance(request, BeginLoad):
                self._load(client, request)
                continue
            reply = self._desk.answer(request)
            try:
                wire.send(client, reply)
            except protocol.FrameTooLarge:
                wire.send(client, Denied("gate.too_many", "The answer is too large; ask for fewer people at a time."))

    def _load(self, client: socket.socket, request: BeginLoad) -> None:
        try:
            claims = self._desk.begin_load(request)
        except Refused as refusal:
            wire.send(client, denied(refusal))
            return
        with self._desk.vault.loading():
            load = loading.Load(self._folder, request.workers, client)
            try:
                wire.send(client, Done())
                load.hand_over()
                finished = self._take_batches(client, load)
            finally:
                load.close()
        if finished and not load.failed:
            wire.send(client, self._desk.end_load(claims, load.count))

    def _take_batches(self, client: socket.socket, load: loading.Load) -> bool:
        while isinstance(request := _next_request(client), Seal):
            if load.failed:
                continue  # it was told why; what is still on its way is not sealed
            try:
                load.accept(request, self._desk.reserve(loading.size_of(request)))
            except ValueError:
                loading.hang_up(client)
                return False
            except (OSError, LogFailed) as error:
                load.refuse(_unwritten(error))
        if isinstance(request, Refused):
            load.refuse(self._desk.turn_away(request))
        return isinstance(request, EndLoad)


def _unwritten(error: Exception) -> Denied:
    """Why nobody more can be sealed."""
    _logger.error("a load stopped: %s", type(error).__name__)
    if disk.is_full(error):
        return Denied("gate.disk_full", "The keeper has no room on its disk to seal people, so nobody was loaded; free "
                      "some space and try again.")  # fmt: skip
    return Denied("gate.log_failed", "The keeper could not write, so nobody was loaded; start it again.")


def _next_request(client: socket.socket) -> protocol.Request | Refused | None:
    try:
        body = wire.receive(client)
        return None if body is None else protocol.read_request(body)
    except (protocol.FrameTooLarge, msgspec.MsgspecError):
        return protocol.malformed()


def _listen(address: Path) -> socket.socket:
    address.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # the socket must never be open to others, not even for an instant
    try:
        listener.bind(str(address))
    finally:
        os.umask(before)
    listener.listen(64)
    listener.settimeout(_LOOK_UP_S)  # a signal that comes just before accept() would else wait for the next client
    return listener


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the keeper until SIGTERM or SIGINT."""
    options = _parser().parse_args(arguments)
    wire.keep_memory_private()
    if options.die_with_parent is not None:
        wire.die_with_parent(options.die_with_parent or os.getppid())
    logging.basicConfig(level=logging.INFO, format="keeper %(levelname)s %(message)s")
    try:
        if options.init and not store.initialised(options.dir):
            store.initialise(options.dir)
    except (OSError, sqlite3.Error) as error:
        return _no_start(error)
    if not store.initialised(options.dir):
        return _fail(EXIT_MISSING, f"There is no keeper in {options.dir}; start it once with --init.")
    folder = options.dir.resolve()  # a link to another city must not lead a running keeper there
    try:
        held = store.lock(folder)
        server = Server(folder, options.socket, options.assertion_key_file.read_bytes().strip())
    except (LogBroken, OldKeeper, KeySpoilt, SlotsSpoilt) as unfit:
        changed = f"The log has been changed: {unfit} The keeper does not start on it."
        return _fail(protocol.EXIT_UNFIT, changed if isinstance(unfit, LogBroken) else str(unfit))
    except (OSError, sqlite3.Error) as error:
        return _no_start(error)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    server.serve()
    server.close()
    os.close(held)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cityloom.keeper.server", description="Cityloom's keeper of keys.")
    parser.add_argument("--dir", type=Path, required=True, help="where its keys, slots and log lie")
    parser.add_argument("--socket", type=Path, required=True, help="where it listens")
    parser.add_argument("--assertion-key-file", type=Path, required=True, help="the key that web and keeper share")
    parser.add_argument("--init", action="store_true", help="make a new keeper where there is none")
    parser.add_argument("--die-with-parent", type=int, nargs="?", const=0, metavar="PID",
                        help="end when the process that started it ends")  # fmt: skip
    return parser


def _no_start(error: Exception) -> int:
    if isinstance(error, BlockingIOError):
        return _fail(EXIT_BUSY, "Another keeper has this folder; stop it first.")
    if not disk.is_full(error):
        raise error
    return _fail(protocol.EXIT_FULL, "The disk is full, so the keeper does not start.")


def _fail(status: int, sentence: str) -> int:
    with suppress(OSError):
        sys.stderr.write(sentence + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
