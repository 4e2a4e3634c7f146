"""A15: somebody who was erased comes back out of a backup, and what was to end goes on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cityloom.drills.jobs.abuse.city import answered_by, refusal_of
from cityloom.drills.jobs.abuse.stage import (
    CLERK,
    OPERATOR,
    OTHER_SUPERVISOR,
    SIZE,
    STEWARD,
    SUPERVISOR,
    Office,
    Stage,
    refused,
)
from cityloom.gate import actions as gate
from cityloom.keeper import backup, log, protocol
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM

PEOPLE = 40
ERASED = 10
RETENTION_DAYS = 30


def run(stage: Stage) -> None:
    """Erase people, bring every backup back, and let years go by."""
    with stage.office(count=PEOPLE) as office, answered_by(office):
        stage.found.tries(f"erase {ERASED} people, then read them out of every backup of the records, old and new")
        kept = [gate.back_up_database(by=SYSTEM, at=clock.now(), place=stage.place / "records-1")]
        keys = office.ask(protocol.BackUpKeys(office.sign(OPERATOR), str(stage.place / "keys")), protocol.BackedUp)
        for subject in office.subjects[:ERASED].tolist():
            gate.erase(by=STEWARD, at=clock.now(), subject=subject)
            stage.found.stopped("a zeroed slot")
        kept.append(gate.back_up_database(by=SYSTEM, at=clock.now(), place=stage.place / "records-2"))
        _read_backups(stage, office, kept)
        _restore(stage, office, kept[0])
        stage.found.tries("bring the keys of before the erasure back, and keys that are older than 30 days")
        _restore_keys(stage, office, Path(keys.folder), kept)
    with stage.office("retention", count=PEOPLE) as office:
        stage.found.tries("let a grant and a purpose grow older than the law lets them")
        _retention(stage, office)


def _readable(office: Office, envelopes: dict[int, bytes], subjects: NDArray[np.int64]) -> int:
    """How many of these people open with what the keeper has now."""
    run = b"".join(envelopes.get(subject, bytes(SIZE)) for subject in subjects.tolist())
    return sum(row is not None for row in office.desk.vault.open_many(subjects, run, ["name", "national_id"]))


def _stored(folder: Path) -> dict[int, bytes]:
    with closing(sqlite3.connect(next(folder.glob("*.db")))) as link:
        return dict(link.execute("SELECT subject, sealed FROM gate_envelope").fetchall())


def _read_backups(stage: Stage, office: Office, kept: list[Path]) -> None:
    gone, here = office.subjects[:ERASED], office.subjects[ERASED:]
    stored = [_stored(folder) for folder in kept]
    stage.found.equal("erased people whose envelopes lie in the older backup",
                      sum(subject in stored[0] for subject in gone.tolist()), ERASED)  # fmt: skip
    stage.found.equal("erased people readable out of backups of the records",
                      sum(_readable(office, each, gone) for each in stored), 0)  # fmt: skip
    stage.found.equal("others readable out of the older backup", _readable(office, stored[0], here), len(here))


def _restore(stage: Stage, office: Office, source: Path) -> None:
    gate.restore_database(by=SYSTEM, at=clock.now(), source=source)
    office.enact()
    grant = office.grant(office.subjects)
    office.ask(protocol.Second(office.fresh(OTHER_SUPERVISOR), grant), protocol.Granted)
    opened = gate.open_people(by=CLERK, at=clock.now(), grant_id=grant, subjects=office.subjects, fields=["name"],
                              step_up_at=clock.now())  # fmt: skip
    stage.found.equal("erased people who open after the older records were restored",
                      len(set(opened) & set(office.subjects[:ERASED].tolist())), 0)  # fmt: skip
    stage.found.equal("others who open then", len(opened), PEOPLE - ERASED)


def _restore_keys(stage: Stage, office: Office, keys: Path, kept: list[Path]) -> None:
    office.desk.close()
    done = backup.restore(office.folder, keys, now=clock.now())
    size, _ = log.verify(office.folder)
    too_old = refusal_of(lambda: backup.restore(office.folder, keys, now=clock.now() + timedelta(days=31)))
    office.again()
    stage.found.stopped(too_old or "nothing")
    stage.found.equal("people erased again when the keys come back", done.erased, ERASED)
    readable = sum(_readable(office, _stored(folder), office.subjects[:ERASED]) for folder in kept)
    stage.found.equal("erased people readable with the restored keys and any records", readable, 0)
    others = _readable(office, _stored(kept[0]), office.subjects[ERASED:])
    stage.found.equal("others readable with them", others, PEOPLE - ERASED)
    stage.found.equal("keys older than 30 days", too_old, "backup.too_old")
    stage.found.least("leaves of the log that verify", size, ERASED)
    stage.found.least("leaves of erasures", len(office.leaves("erased")), ERASED)


def _retention(stage: Stage, office: Office) -> None:
    end = clock.now() + timedelta(days=100)
    office.enact(valid_until=clock.to_text(end), retention_days=RETENTION_DAYS)
    late = clock.to_text(clock.now() + timedelta(days=3650))
    grant, short = office.grant(office.subjects[:5], until=late), office.grant(office.subjects[:5])
    stage.found.equal("the grants at first", [refused(office.open(each, 0)) for each in (grant, short)], ["", ""])
    for days, codes in ((21, ["", "gate.grant_ended"]), (RETENTION_DAYS - 20, ["gate.grant_ended"] * 2)):
        office.clock.advance(timedelta(days=days).total_seconds())
        found = [refused(office.open(each, 0)) for each in (grant, short)]
        for code in found:
            stage.found.stopped(code or "nothing")
        stage.found.equal(f"the grants {days} days on", found, codes)
    office.clock.advance((end - clock.now()).total_seconds())
    code = refused(office.desk.answer(office.order(office.subjects[:5], SUPERVISOR, until=late)))
    stage.found.stopped(code or "nothing")
    stage.found.equal("a new grant when the purpose has ended", code, "gate.no_basis")
