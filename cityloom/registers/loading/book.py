"""The book of loads: which file came when, and which of them are known."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from django.db import transaction
from django.db.models import Max

from cityloom.bus import actions as bus
from cityloom.gate import actions as gate
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.registers.domain.arrivals import shown_name
from cityloom.registers.domain.fact_kinds import dataset_of
from cityloom.registers.domain.mapping import FileMapping
from cityloom.registers.events import FileLoaded
from cityloom.registers.loading import lake, person_book
from cityloom.registers.models import OPEN, RECORDS, Load, SetAside, Source

PURPOSE = "register-parties"
_AT_ONCE = 10_000
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Incoming:
    """A file that is to be loaded, as it lay there when it was looked at."""

    path: Path
    digest: str
    bytes: int
    changed_ns: int

    @property
    def name(self) -> str:
        """What the file is called, as it can be shown and kept."""
        return shown_name(self.path.name)

    @staticmethod
    def at(path: Path) -> Incoming:
        """Look at a file; its bytes change no later than its `ctime`, whatever its other times are set to."""
        stat = path.stat()
        digest = hashlib.sha256()
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
        return Incoming(path, digest.hexdigest(), stat.st_size, stat.st_ctime_ns)

    def is_unchanged(self) -> bool:
        """Whether the file still lies there as it did."""
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            return False
        return (stat.st_size, stat.st_ctime_ns) == (self.bytes, self.changed_ns)


@dataclass(frozen=True)
class Snapshot:
    """A table that is to be loaded: nothing changes in it while it is open."""

    name: str
    digest: str
    bytes: int

    def is_unchanged(self) -> bool:
        """It is."""
        return True


def mapping_digest(mapping: FileMapping) -> str:
    """What tells two mappings apart."""
    return hashlib.sha256(mapping.text.encode()).hexdigest()


def source_of(name: str) -> Source:
    """The department of that name, new where it has sent nothing yet."""
    return Source.objects.get_or_create(name=name)[0]


def known_load(source_id: int, digest: str, mapping: FileMapping) -> Load | None:
    """The finished load of exactly this file with exactly this mapping."""
    return Load.objects.filter(source_id=source_id, file_digest=digest, mapping_digest=mapping_digest(mapping),
                               state=Load.DONE).order_by("-number").first()  # fmt: skip


def begin(
    source: Source, mapping: FileMapping, file: Incoming | Snapshot, *, header: list[str], as_of: date, returns: int,
    by: Actor, at: datetime,
) -> Load:  # fmt: skip
    """Go on with the load of this file that was cut short, or begin one; what another left half-done is taken back."""
    for left in Load.objects.filter(state=Load.RUNNING).order_by("number"):
        is_same = (left.source_id, left.file_digest, left.mapping_digest, left.returns) == (
            source.id, file.digest, mapping_digest(mapping), returns,
        )  # fmt: skip
        if is_same:
            return left
        give_up(left)
    number = (Load.objects.aggregate(last=Max("number"))["last"] or 0) + 1
    return Load.objects.create(
        number=number, source_id=source.id, register=mapping.register.name, file_name=file.name,
        file_digest=file.digest, file_bytes=file.bytes, mapping=mapping.text, mapping_digest=mapping_digest(mapping),
        header=header, as_of=as_of, state=Load.RUNNING, returns=returns, started_at=at, loaded_by=by.account,
    )  # fmt: skip


def give_up(load: Load) -> None:
    """Take back all that an unfinished load wrote; nobody has seen any of it."""
    if dataset_of(load.register):
        _give_up_facts(load)
        return
    table = RECORDS[load.register]
    first, last = load.number << 32, (load.number + 1 << 32) - 1
    written = table._default_manager.filter(id__gte=first, id__lte=last)
    if hasattr(table, "packet"):
        while packets := list(written.exclude(packet=None).values_list("packet", flat=True)[:_AT_ONCE // 10]):
            gate.erase_packets(by=SYSTEM, at=load.started_at, purpose=PURPOSE, packets=packets)
            written.filter(packet__in=packets).update(packet=None)
    if load.register == "people":
        person_book.take_back(load)
    while ids := list(written.values_list("id", flat=True)[:_AT_ONCE]):
        table._default_manager.filter(id__in=ids).delete()
    with transaction.atomic():
        table._default_manager.filter(closed_by=load.number).update(closed_by=OPEN)
        _forget(load)


def _give_up_facts(load: Load) -> None:
    """What has become part of the lake before the book knew it stays, and the book learns it."""
    if lake.is_committed(load):
        finish(load)
        return
    lake.give_up(load)
    with transaction.atomic():
        _forget(load)


def _forget(load: Load) -> None:
    SetAside.objects.filter(load=load.number).delete()
    SetAside.objects.filter(back_in=load.number).update(back_in=None)
    Load.objects.filter(number=load.number).update(state=Load.GIVEN_UP)


def finish(load: Load) -> None:
    """Make a load known: from this instant on it is seen. No load becomes known before an earlier one."""
    last = Load.objects.filter(state=Load.DONE).aggregate(last=Max("finished_at"))["last"]
    load.state, load.finished_at = Load.DONE, max(filter(None, (clock.now(), last)))
    load.is_settled = load.register != "people"
    source = Source.objects.values_list("name", flat=True).get(id=load.source_id)
    fact = FileLoaded(load.number, load.register, source, load.rows, load.counts.get("set_aside", 0), load.finished_at)
    with transaction.atomic():
        load.save(update_fields=["state", "finished_at", "is_settled"])
        bus.publish(fact, at=load.finished_at, event_id=ids.named_id("file loaded", load.number))
