"""A small synthetic city, with a sealer that needs no keeper."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import numpy as np
import pytest

from cityloom.gate import actions as gate
from cityloom.kernel.actor import SYSTEM
from cityloom.registers import actions
from cityloom.registers.domain.answers import CityFacts

AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
PEOPLE = 4000


class StandInSealer:
    """Seal nothing, number everybody."""

    def __init__(self) -> None:
        self.sealed = 0

    def seal_all(self, batches: Iterable[gate.PeopleBatch]) -> Iterator[gate.SealedBatch]:
        for batch in batches:
            subjects = np.arange(self.sealed, self.sealed + len(batch), dtype=np.int64) << 32 | 7
            self.sealed += len(batch)
            yield gate.SealedBatch(subjects, np.zeros((len(batch), 160), np.uint8), 1, 1)


@contextmanager
def _stand_in(**_: object) -> Iterator[StandInSealer]:
    yield StandInSealer()


@pytest.fixture
def no_keeper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "sealing", _stand_in)


@pytest.fixture
def small_city(db: None, no_keeper: None) -> CityFacts:
    return actions.build_synthetic(PEOPLE, seed=3, by=SYSTEM, at=AT)
