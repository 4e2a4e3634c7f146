"""Measure the log: appends, finding among many, starting, proofs, mutations noticed, and a peer beside it.

Run: python -m bench.log [--leaves N] [--mutations N] [--peer-entries N]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from cityloom.audit.domain import bundle, whole_log
from cityloom.audit.domain.bundle import LoggedLeaf
from cityloom.drills.domain.log_mutations import mutated_bundle, mutated_files
from cityloom.keeper import log_check, signing, store, verifier
from cityloom.keeper.log import Log, leaf, leaves
from cityloom.keeper.proofs import Proofs
from cityloom.keeper.verifier import Invalid
from cityloom.kernel import ids
from cityloom.kernel.merkle import Edge, leaf_hash
from tests.audit.conftest import Book

FACTS: dict[str, object] = {
    "at": "2026-05-04T08:00:00.000Z", "action": "open", "purpose": "emergency-assistance", "basis": "pipl-13-1-4",
    "article": "Personal Information Protection Law, Article 13(1)(4)", "actor": "5" * 32, "unit": "city/nanshan/c01",
    "role": "social-worker", "service": "", "grant": "01J00000000000000000000000", "zone": "a" * 64,
    "incident_id": "01J11111111111111111111111", "exercise_id": "", "drill_at": "", "fields": ["name", "phone"],
}  # fmt: skip
PEOPLE = 1_000_000
PEER = """
import json, os, time
from pymerkle import InmemoryTree
entries = [os.urandom(300) for _ in range({count})]
tree = InmemoryTree(algorithm="sha256", disable_security=False)
started = time.perf_counter()
for entry in entries:
    tree.append_entry(entry)
print(json.dumps({{"rate": {count} / (time.perf_counter() - started), "root": tree.get_state().hex(),
                   "first": entries[0].hex()}}))
"""


def main() -> None:
    """Measure, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leaves", type=int, default=10_000_000, help="in the large log")
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--peer-entries", type=int, default=200_000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cityloom-bench-") as place:
        found = _building() | _appending(Path(place) / "append") | large(Path(place) / "large", wanted.leaves)
        found |= bundles(Path(place) / "bundle") | _mutations(Path(place) / "mutations", wanted.mutations)
        found |= peer(Path(place) / "peer", wanted.peer_entries)
    print(json.dumps(found, indent=2))


def _building() -> dict[str, object]:
    people = [ids.random_bytes(16) for _ in range(25_600)]
    seconds = min(timed(lambda: leaves("opened", FACTS, people)) for _ in range(3))
    return {"bulk_leaf_built_us": round(seconds / len(people) * 1e6, 2)}


def _appending(folder: Path) -> dict[str, object]:
    store.initialise(folder)
    book = Log(folder)
    runs = [[ids.random_bytes(16) for _ in range(256)] for _ in range(800)]

    def append_some() -> object:
        return [book.append(leaves("opened", FACTS, run)) for run in runs[:100]]

    alone = timed(lambda: [book.append(leaves("opened", FACTS, run)) for run in runs])
    crowd = timed(lambda: together([append_some] * 8))
    bytes_bulk = (folder / store.DATABASE).stat().st_size + _wal(folder)
    size = book.head[0]
    singles = [timed(lambda: book.append([leaf("opened", FACTS, runs[0][0])])) for _ in range(500)]

    def crowd_of_singles() -> object:
        return [book.append([leaf("opened", FACTS, run[0])]) for run in runs[:100]]

    sixteen = timed(lambda: together([crowd_of_singles] * 16))
    book.close()
    before = (folder / store.DATABASE).stat().st_size
    book = Log(folder)
    together([lambda: [book.append([leaf("opened", FACTS, run[0])]) for run in runs[:500]]] * 16)
    book.close()
    return {
        "durable_leaves_per_s_groups_of_256": round(800 * 256 / alone),
        "durable_leaves_per_s_groups_of_256_8_threads": round(800 * 256 / crowd),
        "single_append_p50_ms": round(statistics.median(singles) * 1e3, 3),
        "single_appends_per_s_16_threads": round(1600 / sixteen),
        "bytes_a_leaf_in_bulk_with_wal": round(bytes_bulk / size),
        "bytes_a_leaf_single": round(((folder / store.DATABASE).stat().st_size - before) / 8000),
    }


def large(folder: Path, count: int) -> dict[str, object]:
    """A log about a million people, then who looked at them, starting on it, and proofs from it."""
    store.initialise(folder)
    people = [ids.random_bytes(16) for _ in range(PEOPLE)]
    rng = random.Random(1)
    book = Log(folder)

    def fill() -> None:
        while book.head[0] < count:
            book.append(leaves("opened", FACTS, rng.choices(people, k=2000)))

    building = timed(fill)
    book.close()
    size = (folder / store.DATABASE).stat().st_size
    starts, book = [], None
    for _ in range(5):
        started = time.perf_counter()
        book = Log(folder)
        starts.append(time.perf_counter() - started)
        book.close()
    book = Log(folder)
    pairs = [_timed_twice(lambda: book.about([rng.choice(people)], limit=100)) for _ in range(5000)]
    asked, computed = ([pair[which] for pair in pairs] for which in (0, 1))
    end = book.head[0]
    proofs = [timed(lambda: book.inclusion(rng.randrange(end), end)) for _ in range(500)]
    heavy = [timed(lambda: book.append(leaves("opened", FACTS, rng.choices(people, k=256)))) for _ in range(400)]
    book.close()
    verifying = timed(lambda: log_check.verify(folder))
    return {
        "large_log_leaves": end, "large_log_built_leaves_per_s": round(count / building),
        "large_log_bytes_a_leaf": round(size / end, 1), "start_ms": round(statistics.median(starts) * 1e3, 1),
        "who_looked_at_me_p50_ms": ms(asked, 50), "who_looked_at_me_p99_ms": ms(asked, 99),
        "who_looked_at_me_cpu_p99_ms": ms(computed, 99),
        "inclusion_proof_p50_ms": ms(proofs, 50), "inclusion_proof_p99_ms": ms(proofs, 99),
        "large_log_durable_leaves_per_s_groups_of_256": round(400 * 256 / sum(heavy)),
        "large_log_append_256_p99_ms": ms(heavy, 99), "recomputed_leaves_per_s": round(end / verifying),
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def bundles(folder: Path) -> dict[str, object]:
    store.initialise(folder)
    book = Log(folder)
    book.append(leaves("opened", FACTS, [ids.random_bytes(16) for _ in range(300_000)]))
    proofs = Proofs(folder, book)
    size, places = book.head[0], random.Random(1).sample(range(300_000), 1000)

    def made() -> dict[str, object]:
        rows = [LoggedLeaf(each.index, each.text, each.salt) for each in map(book.read, places)]
        paths = [book.inclusion(index, size) for index in places]
        at = datetime(2026, 5, 4, tzinfo=UTC)
        return bundle.compose(rows, paths, note=proofs.note(), vkey=key.vkey, at=at)

    key = signing.read(folder).key
    making = timed(made)
    path = folder / "bundle.json"
    path.write_text(json.dumps(made()))
    checking = timed(lambda: verifier.verify_bundle(verifier.read_bundle(path), key))
    command = [sys.executable, verifier.__file__, str(path), "--key", key.vkey]
    process = timed(lambda: subprocess.run(command, check=True, capture_output=True))
    proofs.close()
    book.close()
    return {
        "bundle_of_1000_made_ms": round(making * 1e3), "bundle_of_1000_verified_ms": round(checking * 1e3),
        "bundle_of_1000_verified_with_start_ms": round(process * 1e3),
        "bundle_of_1000_kib": path.stat().st_size // 1024,
    }


def _mutations(folder: Path, count: int) -> dict[str, object]:
    """Half of them in a whole published log, half in a bundle."""
    book = Book(folder)
    book.grow(600)
    files, made, rng = book.files(), book.bundle(0, 100, 599), random.Random(5)
    whole_log.check(lambda path, most: files.get(path), book.key)
    verifier.verify_bundle(made, book.key)
    missed = 0
    for number in range(count):
        try:
            if number % 2:
                changed = mutated_files(files, rng)
                whole_log.check(lambda path, most, changed=changed: changed.get(path), book.key)
            else:
                verifier.verify_bundle(mutated_bundle(made, rng), book.key)
            missed += 1
        except Invalid:
            pass
    book.close()
    return {"mutations": count, "mutations_missed": missed}


def peer(place: Path, count: int) -> dict[str, object]:
    """The same appends in memory by pymerkle (GPL, so in an environment that is thrown away) and by our tree."""
    try:
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True, capture_output=True)
        python = str(place / "bin" / "python")
        subprocess.run([python, "-m", "pip", "install", "--quiet", "pymerkle"], check=True, capture_output=True)
    except subprocess.CalledProcessError:
        return {"pymerkle": "skipped: it could not be installed"}
    entries = [os.urandom(300) for _ in range(count)]
    theirs, ours = [], []
    for _ in range(3):
        outcome = subprocess.run([python, "-c", PEER.format(count=count)], check=True, capture_output=True)
        theirs.append(json.loads(outcome.stdout)["rate"])
        ours.append(count / timed(lambda: Edge().extend([leaf_hash(entry) for entry in entries])))
    best = statistics.median(ours), statistics.median(theirs)
    return {
        "memory_appends_per_s": round(best[0]), "pymerkle_memory_appends_per_s": round(best[1]),
        "times_faster": round(best[0] / best[1], 1),
    }


def _wal(folder: Path) -> int:
    path = folder / f"{store.DATABASE}-wal"
    return path.stat().st_size if path.exists() else 0


def together(works: Sequence[Callable[[], object]]) -> None:
    """Do several things at the same time, each in a thread of its own."""
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _timed_twice(work: Callable[[], object]) -> tuple[float, float]:
    """By the clock, and what this thread computed meanwhile."""
    computed = time.thread_time()
    taken = timed(work)
    return taken, time.thread_time() - computed


def ms(times: list[float], percentile: int) -> float:
    return round(statistics.quantiles(times, n=100)[percentile - 1] * 1e3, 2)


if __name__ == "__main__":
    main()
