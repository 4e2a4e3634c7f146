"""A13: the blind index is asked who is there, and what the city's database shows to somebody without the key."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cityloom.drills.jobs.abuse.stage import SIZE, STEWARD, Office, Stage, national_id, refused
from cityloom.keeper import protocol, record
from cityloom.keeper.basis import REGISTER
from cityloom.kernel.actor import Actor

PROBES = 100
BUCKET = 16
_PROBED = 1_000
_ROUNDS = 400


def run(stage: Stage) -> None:
    """Guess from a copy of the database, then ask the search until it stops."""
    with stage.office(count=max(2_000, min(stage.scale.people, 200_000))) as office:
        stage.found.tries("guess who has which number from a copy of city.db and a dictionary, without the key")
        _guess(stage, office)
        stage.found.tries(f"search {_PROBED:,} numbers of a dictionary, as somebody who may search")
        _probe(stage, office)
        stage.found.tries("look how many people share what a search shows")
        _buckets(stage, office)


def _guess(stage: Stage, office: Office) -> None:
    """Seal two values again and again; tell them apart by the nearest mean of everything that the city stores."""
    zero, one = (_sealed(office, national_id(row), _ROUNDS) for row in (1, 2))
    half = _ROUNDS // 2
    means = [_features(each[:half]).mean(axis=0) for each in (zero, one)]
    right = 0
    for truth, each in enumerate((zero, one)):
        features = _features(each[half:])
        away = [((features - mean) ** 2).sum(axis=1) for mean in means]
        right += int(((away[1] < away[0]) == bool(truth)).sum())
    advantage = abs(right / (2 * half) - 0.5)
    stage.found.most("advantage over chance (4 standard deviations)", advantage, 4 * 0.5 / math.sqrt(2 * half))
    both = np.concatenate([zero, one])
    stage.found.equal("equal envelopes of equal people", len(both) - len(np.unique(both[:, 4:], axis=0)), 0)
    stage.found.equal("the open part is the same for all", len(np.unique(both[:, :4], axis=0)), 1)


def _sealed(office: Office, value: str, count: int) -> NDArray[np.uint8]:
    before = len(office.subjects)
    same = np.full(count, value.encode(), "S18")
    text = np.full(count, b"", "S1")
    records = record.people_records(name=text, national_id=same, phone=text, birth_date=text, need_note=text)
    office.seal(record.PeopleBatch(records, np.zeros(count, np.uint16)))
    return np.frombuffer(office.envelope(before, count), np.uint8).reshape(count, SIZE)


def _features(envelopes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """What an envelope shows: its bytes behind the header, each bit of them."""
    return np.unpackbits(envelopes[:, 4:], axis=1).astype(np.float64)


def _probe(stage: Stage, office: Office) -> None:
    answered, codes = 0, set()
    for row in range(_PROBED):
        reply = office.desk.answer(protocol.Search(office.sign(STEWARD), REGISTER, "national_id", national_id(row)))
        if isinstance(reply, protocol.Candidates):
            answered += 1
        else:
            stage.found.stopped(refused(reply))
            codes.add(refused(reply))
        office.clock.advance(1)
    stage.found.most("probes that were answered", answered, PROBES)
    stage.found.equal("then", codes, {"gate.budget"})
    stage.found.equal("leaves of probes", len(office.leaves("probed")), answered)
    stage.found.least("alarms", sum(row.kind == "budget" for row in office.alarms()), 1)
    absent = Actor("steward-2", "city", STEWARD.roles)
    there, gone = (office.desk.answer(protocol.Search(office.sign(absent), REGISTER, "national_id", value))
                   for value in (national_id(5), "000000000000000000"))  # fmt: skip
    both = all(isinstance(reply, protocol.Candidates) and len(reply.subjects) > 0 for reply in (there, gone))
    stage.found.equal("a number of nobody is answered like one of somebody", both, True)


def _buckets(stage: Stage, office: Office) -> None:
    vault = office.desk.vault
    sizes = [len(vault.candidates("national_id", national_id(stage.rng.randrange(10**9)))) for _ in range(_PROBED)]
    stage.found.least("fewest people that a search shows", min(sizes), BUCKET)
