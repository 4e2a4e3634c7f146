"""Measure the vault alone: changing the key, looking people up, opening many, sealing; in this process, on one core.

Run: python -m bench.vault [--slots N] [--people N]
The slots are made up (a keeper's files full of chance); the people that are sealed and opened are real records.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from bench.keeper import same_people
from cityloom.keeper import index, store
from cityloom.keeper.record import SEARCHED
from cityloom.keeper.vault import Vault

FIELDS = ["name", "phone"]
_STEP = 1 << 20


def main() -> None:
    """Measure, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slots", type=int, default=20_000_000)
    parser.add_argument("--people", type=int, default=65_000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cityloom-bench-") as place:
        folder = Path(place) / "keeper"
        store.initialise(folder)
        vault = Vault(folder)
        found = {"slots": wanted.slots} | _people_first(vault, wanted.people) | _full(vault, wanted.slots)
    print(json.dumps(found | {"load_average": os.getloadavg()[0]}, indent=2))


def _people_first(vault: Vault, count: int) -> dict[str, object]:
    batch = same_people(count)
    sealing, (subjects, envelopes) = _cpu(lambda: vault.seal(0, batch.records, batch.traits))
    some, run = subjects[:20_000], envelopes[:20_000].tobytes()
    opening, _ = _cpu(lambda: vault.open_many(some, run, FIELDS))
    naming, _ = _cpu(lambda: vault.pseudonyms(some))
    return {
        "sealing_us_a_person": round(sealing / count * 1e6, 2),
        "opening_us_a_person": round(opening / len(some) * 1e6, 2),
        "pseudonym_us_a_person": round(naming / len(some) * 1e6, 2),
    }


def _full(vault: Vault, slots: int) -> dict[str, object]:
    vault.slots.grow_to(slots)
    chance = np.random.default_rng(1)
    for first in range(0, slots, _STEP):
        here = slice(first, min(first + _STEP, slots))
        count = here.stop - here.start
        vault.slots.secrets[here] = chance.integers(0, 256, (count, 32), np.uint8)
        vault.slots.tags[here] = chance.integers(1, 2**32, count, np.uint32)
        for field in SEARCHED:
            vault.slots.tokens[field][here] = chance.integers(2**31, 2**32, count, np.uint32)
    settling = _wall(vault.settle)[0]
    looking = [_wall(partial(vault.candidates, "phone", f"1380000{number:04d}")) for number in range(30)]
    rotating = _wall(vault.rotate)[0]
    times = [seconds * 1e3 for seconds, _ in looking]
    return {
        "bits": index.bits_for(slots), "candidates_mean": round(statistics.mean(len(found) for _, found in looking), 1),
        "look_up_p50_ms": round(statistics.median(times), 1), "look_up_max_ms": round(max(times), 1),
        "shortening_tokens_s": round(settling, 2), "changing_the_key_s": round(rotating, 1),
    }  # fmt: skip


def _wall(work: Callable[[], object]) -> tuple[float, object]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def _cpu(work: Callable[[], object]) -> tuple[float, object]:
    work()
    started = time.process_time()
    result = work()
    return time.process_time() - started, result


if __name__ == "__main__":
    main()
