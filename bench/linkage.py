"""Measure the linking of two departments' tables of people, with two peers beside it in the same run.

Run: python -m bench.linkage [--records N] [--seed N] [--chinese] [--no-peers]
The people are made up with stated noise (`linkage_example.Noise`): three fifths of the records in the first table, two
fifths in the second, half of the smaller number in both, no identity number. Peers: a plain join on the same names and
birth date, and Splink with the comparisons of its own library under the loose training blocks of its tutorial.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from cityloom.registers.domain import linkage_config, linkage_example
from cityloom.registers.domain.linkage import Ints
from cityloom.registers.linkage import engine

GOAL_S, GOAL_F1, GOAL_PRECISION = 15.0, 0.970, 0.998
_FAR = 10**9
Pairs = tuple[Ints, Ints]


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--records", type=int, default=1_000_000)
    arguments.add_argument("--seed", type=int, default=7)
    arguments.add_argument("--chinese", action="store_true")
    arguments.add_argument("--no-peers", action="store_true")
    chosen = arguments.parse_args()
    parts = int(chosen.records * 0.6), int(chosen.records * 0.4), int(chosen.records * 0.3)
    made = linkage_example.people(*parts, chosen.seed, chinese=chosen.chinese)
    true = set((made.same[0] * _FAR + made.same[1]).tolist())
    ours = _measured("cityloom", lambda: _ours(made), true)
    if not chosen.no_peers:
        _measured("peer: join on names and birth date", lambda: _joined(made), true)
        _measured("peer: splink, loose blocks", lambda: _splink(made), true)
    is_kept = ours["f1"] >= GOAL_F1 and ours["precision"] >= GOAL_PRECISION
    is_kept &= chosen.records < 1_000_000 or ours["seconds"] <= GOAL_S
    return 0 if is_kept else 1


def _measured(name: str, run: Callable[[], Pairs], true: set[int]) -> dict[str, Any]:
    started, worked = time.perf_counter(), time.process_time()
    left, right = run()
    seconds, cpu = time.perf_counter() - started, time.process_time() - worked
    found = set((left * _FAR + right).tolist())
    right_ones = len(found & true)
    precision, recall = right_ones / max(len(found), 1), right_ones / len(true)
    said = {
        "what": name, "seconds": round(seconds, 2), "cpu_seconds": round(cpu, 2), "precision": round(precision, 5),
        "recall": round(recall, 5), "f1": round(2 * precision * recall / max(precision + recall, 1e-9), 5),
        "peak_mb_so_far": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }  # fmt: skip
    print(json.dumps(said), flush=True)
    return said


def _ours(made: linkage_example.Linked) -> Pairs:
    import pyarrow as pa

    config = linkage_config.shipped("people")
    tables = {"first": pa.table(made.left), "second": pa.table(made.right)}
    links = engine.link(tables, config, free_of_duplicates=frozenset(tables))
    links = links.taken(links.probability >= config.certain)
    return links.left_row, links.right_row


def _joined(made: linkage_example.Linked) -> Pairs:
    con = _both(made)
    found = con.execute("""SELECT l.row AS l, r.row AS r FROM first l
        JOIN second r USING (surname, given_name, birth_date)""").fetchnumpy()
    return found["l"].astype(np.int64), found["r"].astype(np.int64)


def _both(made: linkage_example.Linked) -> Any:
    import duckdb
    import pyarrow as pa

    con = duckdb.connect()
    for name, table in (("first", made.left), ("second", made.right)):
        rows = pa.table({"row": pa.array(range(len(table["surname"]))), **table})
        con.register("incoming", rows)
        con.execute(f"""CREATE TABLE {name} AS SELECT row, row AS unique_id, lower(surname) AS surname,
            lower(given_name) AS given_name, nullif(birth_date, '') AS birth_date, nullif(phone, '') AS phone,
            nullif(address, '') AS address FROM incoming""")
        con.unregister("incoming")
    return con


def _splink(made: linkage_example.Linked) -> Pairs:
    import splink.comparison_library as compare
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    api = DuckDBAPI(_both(made))
    blocks = [block_on("surname", "given_name"), block_on("birth_date", "surname"), block_on("phone")]
    settings = SettingsCreator(
        link_type="link_only", blocking_rules_to_generate_predictions=blocks, retain_matching_columns=False,
        comparisons=[
            compare.JaroWinklerAtThresholds("surname", [0.9, 0.8]).configure(term_frequency_adjustments=True),
            compare.JaroWinklerAtThresholds("given_name", [0.9, 0.8]).configure(term_frequency_adjustments=True),
            compare.LevenshteinAtThresholds("birth_date", [1, 2]), compare.ExactMatch("phone"),
            compare.ExactMatch("address"),
        ],
    )  # fmt: skip
    tables = [api.register(name, dataset_display_name=name) for name in ("first", "second")]
    linker = Linker(tables, settings, log_level=None)
    linker.training.estimate_probability_two_random_records_match([block_on("phone", "surname")], recall=0.6)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for rule in (block_on("birth_date"), block_on("surname", "given_name")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    predicted = linker.inference.predict(threshold_match_probability=0.95)
    found = api.duckdb_con.execute(
        f"SELECT unique_id_l AS l, unique_id_r AS r, source_dataset_l AS s FROM {predicted.physical_name}"
    ).fetchnumpy()
    is_first = found["s"].astype(str) == "first"
    left, right = found["l"].astype(np.int64), found["r"].astype(np.int64)
    return np.where(is_first, left, right), np.where(is_first, right, left)


if __name__ == "__main__":
    raise SystemExit(main())
