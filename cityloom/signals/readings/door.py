"""Where other processes of the city hand readings over to the one that keeps them; the way is theirs alone.

A connection carries an Arrow stream, a batch for each block; for each a line of JSON comes back once it is on the disk.
"""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
from django.db import close_old_connections

from cityloom.kernel import clock, ids
from cityloom.kernel.refused import Refused
from cityloom.signals.domain.wire import Arrived
from cityloom.signals.readings.road import Road, Told

log = logging.getLogger(__name__)
SCHEMA = pa.schema([
    ("datastream", pa.string()), ("at_us", pa.int64()), ("result", pa.float64()), ("place", pa.int64()),
])  # fmt: skip
MOST_AT_ONCE = 16
_LOOK_S = 0.2
_IDLE_S = 120.0


class Door:
    """Listens at a path; each caller is served by a thread, the road takes one block at a time."""

    def __init__(self, road: Road, path: Path) -> None:
        self._road, self._path = road, path
        self._is_over = threading.Event()
        self._places, self._turn = threading.Semaphore(MOST_AT_ONCE), threading.Lock()
        self._listener = threading.Thread(target=self._listen, name="door", daemon=True)

    def start(self) -> None:
        """Let others in."""
        self._path.unlink(missing_ok=True)  # of a process that was killed
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(self._path))
        self._path.chmod(0o600)
        self._socket.listen(MOST_AT_ONCE)
        self._socket.settimeout(_LOOK_S)
        self._listener.start()

    def stop(self) -> None:
        """Let nobody in any more; what is being taken is answered first."""
        self._is_over.set()
        self._listener.join()
        self._socket.close()
        self._path.unlink(missing_ok=True)
        with self._turn:  # nothing is being taken any more, and nothing will be
            pass

    def _listen(self) -> None:
        while not self._is_over.is_set():
            try:
                caller, _ = self._socket.accept()
            except TimeoutError:
                continue
            except OSError:
                log.exception("nobody is let in any more")
                return
            self._places.acquire()
            threading.Thread(target=self._serve, args=(caller,), name="taking", daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        try:
            with caller:
                caller.settimeout(_IDLE_S)
                self._take(caller)
        except (OSError, pa.ArrowException):
            pass  # the caller has gone, and offers again what it was not told of
        except Exception:
            log.exception("readings that were handed over failed; reference %s", ids.new_ulid())
        finally:
            close_old_connections()
            self._places.release()

    def _take(self, caller: socket.socket) -> None:
        with caller.makefile("rb") as stream, pa.ipc.open_stream(stream) as reader:
            while not self._is_over.is_set():
                try:
                    found = reader.read_next_batch_with_custom_metadata()
                except StopIteration:
                    return
                block = json.loads(found.custom_metadata[b"block"])
                arrived = _arrived(found.batch, block)
                with self._turn:
                    if self._is_over.is_set():
                        return
                    answer = _answer(self._road, arrived, block["told"])
                caller.sendall(answer)


def words_of(arrived: Arrived, most_told: int) -> tuple[pa.RecordBatch, dict[str, str]]:
    """A block as it is handed over."""
    batch = pa.record_batch([
        arrived.datastream, pa.array(arrived.at_us), pa.array(arrived.result), pa.array(arrived.places, pa.int64()),
    ], schema=SCHEMA)  # fmt: skip
    return batch, {"block": json.dumps({"faults": list(arrived.faults.items()), "lines": arrived.lines,
                                         "told": most_told})}  # fmt: skip


def told_of(line: bytes) -> Told:
    """What was answered. Raises: Refused, as the road did."""
    said = json.loads(line)
    if "refused" in said:
        one = said["refused"]
        raise Refused(one["code"], one["template"], value=one["value"], limit=one["limit"])
    aside = [(place, code) for place, code in said["aside"]]
    return Told(said["kept"], said["duplicates"], Counter(said["rejected"]), said["rows"], aside)


def _arrived(batch: pa.RecordBatch, block: dict[str, object]) -> Arrived:
    at_us, result, place = (batch.column(number).to_numpy() for number in (1, 2, 3))
    return Arrived(batch.column(0), at_us.astype(np.int64), result, dict(block["faults"]), place, block["lines"])  # type: ignore[call-overload, arg-type]


def _answer(road: Road, arrived: Arrived, most_told: int) -> bytes:
    try:
        told = road.take([arrived], clock.now(), most_told=most_told)
        said: dict[str, object] = {
            "kept": told.kept, "duplicates": told.duplicates, "rejected": dict(told.rejected), "rows": told.rows,
            "aside": told.aside,
        }  # fmt: skip
    except Refused as refusal:
        said = {"refused": refusal.as_json() | {"template": refusal.template}}
    return json.dumps(said).encode() + b"\n"
