"""A01: the database is stolen, with its journal, its backups, the logs and the memory of a web process.

Source: Shanghai 2022, about a billion people behind a dashboard without a password.
"""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import numpy as np
from django.conf import settings
from django.db import connection

from cityloom.drills.jobs.abuse.stage import COMMANDER, STEWARD, WORKER, Stage
from cityloom.gate import actions as gate
from cityloom.gate import queries as gate_queries
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused

PEOPLE = 2_000
FIELDS = 5
_OPENED = 50
_CHUNK = 1 << 24
_OVERLAP = 64
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_WEB = """
import os, sys
import django
django.setup()
from django.test import Client
from cityloom.gate.models import Envelope, GrantRecord
pages = [Client(SERVER_NAME="localhost").get(path).status_code for path in ("/sign-in/", "/", "/log/")]
sealed = [bytes(row.sealed) for row in Envelope.objects.all()[:20000]]
grants = list(GrantRecord.objects.all())
print(len(sealed), flush=True)
sys.stdin.read()
"""


class Canaries:
    """Strings that are nowhere else: a mark that is drawn anew for each run, then a number."""

    def __init__(self, mark: str, count: int) -> None:
        self.all = [mark + _number(each) for each in range(count)]
        self._known = {each.encode() for each in self.all}
        forms = {mark.encode(), mark.encode("utf-16-le"), mark.encode().hex().encode(),
                 mark.encode().hex().upper().encode(), mark.lower().encode()}  # fmt: skip
        self._mark = re.compile(b"|".join(re.escape(form) for form in sorted(forms)))

    def within(self, run: bytes) -> int:
        """How many places of these bytes hold a canary, plain, as UTF-16, in lower case or in hexadecimal."""
        return sum(self._is_one(run[found.start() : found.start() + _OVERLAP]) for found in self._mark.finditer(run))

    def _is_one(self, start: bytes) -> bool:
        readings = [start[:8], start[:16].replace(b"\x00", b"")]
        with suppress(UnicodeDecodeError, ValueError):
            readings.append(bytes.fromhex(start[:16].decode("ascii")))
        return any(reading.upper() in self._known for reading in readings)


def run(stage: Stage) -> None:
    """Seal people who consist of canaries, use them lawfully, and search everything that could be stolen."""
    canaries = Canaries("".join(stage.rng.choices("BCDFGHJKLMNPQRSTVWXZ", k=4)), PEOPLE * FIELDS)
    stage.found.tries(f"plant {len(canaries.all):,} canaries in all personal fields, open and search some lawfully")
    _control(stage, canaries)
    subjects = _plant(canaries)
    _use(stage, canaries, subjects)
    with _web() as web:
        places = _places(stage)
        stage.found.tries("search the database, its journal, the keeper's store, backups, logs, temporary files, "
                          "environments, and the memory of a web process that opened nobody")  # fmt: skip
        for name, paths in places.items():
            found = sum(_in_file(canaries, path) for path in paths)
            stage.found.equal(f"canaries in {name} ({sum(map(_size, paths)) // 1024:,} kB)", found, 0)
        _environments(stage, canaries, web.pid)
        _memory(stage, canaries, web.pid)
    stage.found.equal("canaries in everything that may be selected", _in_rows(canaries), 0)
    stage.found.stopped("sealed envelopes", len(subjects))


def _number(each: int) -> str:
    digits = ""
    for _ in range(4):
        each, digit = divmod(each, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits


def _control(stage: Stage, canaries: Canaries) -> None:
    """A search that finds nothing must be able to find something."""
    one = canaries.all[17]
    shown = [one.encode(), one.encode("utf-16-le"), one.encode().hex().encode(), one.lower().encode()]
    stage.found.equal("ways of writing a canary that the search finds", sum(map(canaries.within, shown)), len(shown))


def _plant(canaries: Canaries) -> np.ndarray:
    rows = np.array(canaries.all, "S8").reshape(PEOPLE, FIELDS)
    name, number, phone, birth, note = rows.T
    records = gate.people_records(
        name=np.char.add(np.char.add(name, b" "), name), national_id=number, phone=phone, birth_date=birth,
        need_note=note,
    )  # fmt: skip
    traits = gate.traits_of(age=np.arange(PEOPLE) % 90, sex=np.arange(PEOPLE) % 2, needs={})
    with gate.sealing(by=SYSTEM, at=clock.now(), workers=1) as sealer:
        sealed = sealer.seal(gate.PeopleBatch(records, traits))
    gate.store_envelopes(sealed)
    return sealed.subjects


def _use(stage: Stage, canaries: Canaries, subjects: np.ndarray) -> None:
    """Open, refuse, search, ask, link and back up, so that whatever leaks has leaked."""
    at, some = clock.now(), subjects[:_OPENED]
    fields = ["name", "national_id", "phone", "birth_date", "need_note"]
    grant = gate.grant(by=COMMANDER, at=at, purpose=gate_queries.EMERGENCY, subjects=some, fields=fields,
                       holder=WORKER.account, until=at + timedelta(hours=1), incident_id="INCIDENT")  # fmt: skip
    people = gate.open_people(by=WORKER, at=at, grant_id=grant, subjects=some, fields=fields)
    stage.found.equal("people opened lawfully meanwhile, with their canaries",
                      sum(each["birth_date"] in canaries.all for each in people.values()), _OPENED)  # fmt: skip
    found = gate.search(by=STEWARD, at=at, purpose="register-maintenance", field="national_id", value=canaries.all[1])
    stage.found.equal("people found by their canary", len(found), 1)
    gate.link_resident(ids.new_ulid(), canaries.all[FIELDS + 1], "drill", at)
    try:
        gate.search(by=STEWARD, at=at, purpose=canaries.all[2], field=canaries.all[3], value=canaries.all[4])
    except Refused:
        stage.found.stopped("gate.no_basis")
    gate.back_up_database(by=SYSTEM, at=at, place=stage.place / "records")
    gate.back_up_keys(by=SYSTEM, at=at, place=stage.place / "keys")


def _places(stage: Stage) -> dict[str, list[Path]]:
    home, keeper = settings.CITYLOOM["HOME"], Path(settings.CITYLOOM["KEEPER_DIR"]).resolve()
    records = Path(connection.settings_dict["NAME"]).resolve()
    beside = [records.with_name(records.name + end) for end in ("-wal", "-shm", "-journal")]
    everything = [path for path in Path(home).rglob("*") if path.is_file() and not path.is_symlink()]
    return {
        "city.db": [records], "its journal": [path for path in beside if path.exists()],
        "the keeper's store": [path for path in everything if path.resolve().is_relative_to(keeper)],
        "backups of the records": _files(stage.place / "records"), "backups of the keys": _files(stage.place / "keys"),
        "logs and all other files of the city": [path for path in everything if path.resolve() != records],
        "temporary files": _files(Path(tempfile.gettempdir())),
    }  # fmt: skip


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _in_file(canaries: Canaries, path: Path) -> int:
    try:
        with path.open("rb") as stream:
            return sum(map(canaries.within, _chunks(iter(lambda: stream.read(_CHUNK), b""))))
    except FileNotFoundError:  # a journal that was finished meanwhile
        return 0


def _chunks(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes, each part with the end of the one before it."""
    end = b""
    for part in parts:
        yield end + part
        end = part[-_OVERLAP:]


def _in_rows(canaries: Canaries) -> int:
    """What somebody with every right in the database may select."""
    found = 0
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as link:
        for (table,) in link.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in link.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - the database's own name of a table
                found += sum(canaries.within(value if isinstance(value, bytes) else str(value).encode())
                             for value in row if value is not None)  # fmt: skip
    return found


@contextmanager
def _web() -> Iterator[subprocess.Popen[str]]:
    """A process as the web has them, that has read envelopes and answered pages, and opened nobody."""
    with subprocess.Popen([sys.executable, "-c", _WEB], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}) as process:  # fmt: skip
        try:
            if not process.stdout.readline().strip():  # type: ignore[union-attr]
                raise RuntimeError("The web process did not start.")
            yield process
        finally:
            process.kill()


def _environments(stage: Stage, canaries: Canaries, web: int) -> None:
    here = [Path(f"/proc/{pid}/{part}") for pid in (os.getpid(), web, *_keepers()) for part in ("environ", "cmdline")]
    found = 0
    for path in here:
        try:
            found += canaries.within(path.read_bytes())
        except PermissionError:
            stage.found.stopped("a process that is not dumpable")
    stage.found.equal("canaries in environments and command lines", found, 0)


def _keepers() -> list[int]:
    pids = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            said = (path / "cmdline").read_bytes()
        except OSError:
            continue
        if b"cityloom.keeper.server" in said and str(settings.CITYLOOM["KEEPER_DIR"]).encode() in said:
            pids.append(int(path.name))
    return pids


def _memory(stage: Stage, canaries: Canaries, web: int) -> None:
    """What a core dump of the web process would hold; the keeper's memory must not be readable at all."""
    try:
        size = found = 0
        for part in _dumped(web):
            size += len(part)
            found += canaries.within(part)
    except PermissionError:
        stage.found.skip("The web process's memory: this system lets nobody but root read another process.")
    else:
        stage.found.least("bytes of the web process's memory that were searched", size, 1 << 20)
        stage.found.equal("canaries in the memory of a web process", found, 0)
    if os.getuid() == 0:
        stage.found.skip("The keeper's memory: root may read any process; A11 tries it as another user.")
        return
    for pid in _keepers():
        try:
            Path(f"/proc/{pid}/mem").open("rb").close()
            answer = "opened"
        except PermissionError:
            answer = "refused"
        stage.found.stopped(answer)
        stage.found.equal("the keeper's memory", answer, "refused")


def _dumped(pid: int) -> Iterator[bytes]:
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in maps:
            bounds, rights, *rest = line.split()
            first, last = (int(each, 16) for each in bounds.split("-"))
            if "w" not in rights or rest[-1].startswith("[v"):
                continue
            memory.seek(first)
            yield from _chunks(_read(memory, last - first))


def _read(memory: object, left: int) -> Iterator[bytes]:
    while left > 0:
        try:
            part = memory.read(min(left, _CHUNK))  # type: ignore[attr-defined]
        except OSError:  # a page that was never there
            return
        if not part:
            return
        left -= len(part)
        yield part
