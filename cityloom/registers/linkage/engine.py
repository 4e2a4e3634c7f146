"""Link records of several tables with Splink on DuckDB, in memory alone: nothing is written, logged or kept."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cityloom.registers.domain import linkage
from cityloom.registers.domain.linkage import START, Floats, Ints, Links, Model
from cityloom.registers.domain.linkage_config import Config
from cityloom.registers.linkage import blocking, cleaning
from cityloom.registers.linkage.address_parts import Addresses
from cityloom.registers.linkage.cleaning import Columns, column
from cityloom.registers.linkage.comparing import compared, splink_comparison

if TYPE_CHECKING:
    import duckdb

_SEED = 1
_SAMPLED_PAIRS = 3e5
_TRAINED_PAIRS = 1e5
_FEWEST_PAIRS = 20
_PRIOR_ROUNDS = 10
_BELIEF = 0.05
"""Weight of what is usual against what was learnt."""
_DRAWN = 1_000.0
"""Records' worth of belief in the average frequency of a value."""
_WEAKEST = -4.0
"""Bits; pairs that weigh less are let go before they leave the database."""


def link(
    tables: Mapping[str, Columns], config: Config, *, model: Model | None = None, within: bool | None = None,
    free_of_duplicates: frozenset[str] = frozenset(), keep_from: float | None = None,
    addresses: Addresses | None = None,
) -> Links:  # fmt: skip
    """Find the pairs of records that may be one entry, between tables and, with `within`, inside of each.

    Several tables are linked between each other, a single one inside. `free_of_duplicates` names tables that hold no
    entry twice: nothing is linked inside of them, and a record has at most one partner in each. Pairs whose
    probability is below `keep_from` (by default a tenth of what is asked about) are left out. `addresses` keeps what
    was taken apart for what is asked of the same tables next.
    """
    look_inside = len(tables) == 1 if within is None else within
    inside = frozenset(at for at, name in enumerate(tables) if look_inside and name not in free_of_duplicates)
    least = config.review / 10 if keep_from is None else keep_from
    with _database() as con:
        parts = cleaning.register(con, tables, config, addresses)
        skipped = blocking.pair_up(con, config, parts, within=inside, between=len(tables) > 1)
        start = _most_likely(tables, inside)
        learnt = replace(model, prior=start) if model else _learn(con, config, parts, inside, start)
        links = _score(con, config, parts, learnt, tuple(tables), skipped)
    links = _with_prior(links, start, _possible(tables, inside))
    links = links.taken(links.probability >= least)
    return linkage.one_partner(links, free_of_duplicates) if free_of_duplicates else links


def train(tables: Mapping[str, Columns], config: Config) -> Model:
    """Learn how often each level holds; no value of any record is in what is learnt."""
    inside = frozenset(range(len(tables)) if len(tables) == 1 else ())
    with _database() as con:
        parts = cleaning.register(con, tables, config)
        blocking.pair_up(con, config, parts, within=inside, between=len(tables) > 1)
        learnt = _learn(con, config, parts, inside, _most_likely(tables, inside))
        links = _score(con, config, parts, learnt, tuple(tables), {})
    prior = _prior(links.weight, learnt.prior, _possible(tables, inside))
    return Model(config.digest, prior, learnt.chances)


def score(
    model: Model, config: Config, left: Columns, right: Columns, pairs: tuple[Sequence[int], Sequence[int]]
) -> Links:  # fmt: skip
    """Weigh pairs that were found elsewhere, in the order given; how rare a value is counts for nothing here."""
    import pyarrow as pa

    rows = _rows(left)
    first, second = np.asarray(pairs[0], np.int64), np.asarray(pairs[1], np.int64) + rows
    with _database() as con:
        parts = cleaning.register(con, {"left": left, "right": right}, config)
        con.register("incoming", pa.table({"match_key": pa.array(["0"] * len(first)), "join_key_l": first,
                                           "join_key_r": second}))  # fmt: skip
        con.execute("CREATE TABLE pair AS SELECT DISTINCT * FROM incoming")
        con.unregister("incoming")
        links = _score(con, config, parts, model, ("left", "right"), {}, frequencies=False, weakest=-1e9)
    at = {pair: place for place, pair in enumerate(zip(links.left_row.tolist(), links.right_row.tolist(), strict=True))}
    asked = zip(first.tolist(), (second - rows).tolist(), strict=True)
    return links.taken(np.array([at[pair] for pair in asked], np.int64))


def share_blocked(
    tables: Mapping[str, Columns], config: Config, pairs: Sequence[tuple[int, int, int, int]],
    addresses: Addresses | None = None,
) -> float:  # fmt: skip
    """The share of pairs (place of a table, row, place of the other table, row) that are compared at all."""
    import pyarrow as pa

    columns = dict(zip(("lt", "lr", "rt", "rr"), map(list, zip(*pairs, strict=True)), strict=True))
    inside = frozenset(place for place, _row, other, _other_row in pairs if place == other)
    with _database() as con:
        parts = cleaning.register(con, tables, config, addresses)
        blocking.pair_up(con, config, parts, within=inside, between=len(tables) > 1)
        con.register("incoming", pa.table(columns))
        ((found,),) = con.execute("""SELECT count(*) FROM incoming
            JOIN record l ON l.tbl = lt AND l.row_no = lr JOIN record r ON r.tbl = rt AND r.row_no = rr
            JOIN pair ON join_key_l = least(l.uid, r.uid) AND join_key_r = greatest(l.uid, r.uid)""").fetchall()
    return found / len(pairs)


@contextmanager
def _database() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory that spills nothing to the disk, and a Splink that says nothing."""
    import duckdb

    logging.getLogger("splink").setLevel(logging.CRITICAL)
    con = duckdb.connect(":memory:")
    for setting in ("temp_directory = ''", "enable_external_access = false", "preserve_insertion_order = false"):
        con.execute(f"SET {setting}")
    try:
        yield con
    finally:
        con.close()


def _linker(
    con: duckdb.DuckDBPyConnection, config: Config, parts: frozenset[str], model: Model, *, frequencies: bool
) -> Any:  # fmt: skip
    from splink import DuckDBAPI, Linker, SettingsCreator

    settings = SettingsCreator(
        link_type="dedupe_only", unique_id_column_name="uid", max_iterations=20, em_convergence=0.001,
        retain_matching_columns=True, retain_intermediate_calculation_columns=True,
        probability_two_random_records_match=model.prior,
        comparisons=[splink_comparison(one, parts, model, config, frequencies=frequencies)
                     for one in compared(config, parts)],
    )  # fmt: skip
    api = DuckDBAPI(con)
    record = api.register("record", dataset_display_name="record")
    return Linker(record, settings, validate_settings=False, log_level=None), api  # what it would tell is not read


def _learn(
    con: duckdb.DuckDBPyConnection, config: Config, parts: frozenset[str], inside: frozenset[int], prior: float
) -> Model:  # fmt: skip
    """Learn u from pairs taken at random and m in every tight block that has pairs enough."""
    start = replace(Model.default(config), prior=prior)
    linker, _api = _linker(con, config, parts, start, frequencies=False)
    linker.training.estimate_u_using_random_sampling(max_pairs=_SAMPLED_PAIRS, seed=_SEED, min_count_per_level=None,
                                                     num_chunks=1)  # fmt: skip
    apart = "" if inside else " AND l.tbl <> r.tbl"
    for key in blocking.usable(config.train, parts):
        rule = " AND ".join(f"l.{column(part)} = r.{column(part)}" for part in key) + apart
        if _pairs_in(con, rule) >= _FEWEST_PAIRS:
            linker.training.estimate_parameters_using_expectation_maximisation(
                rule, estimate_without_term_frequencies=True, max_pairs=_TRAINED_PAIRS
            )
    return Model(config.digest, start.prior, start.chances | _learnt(linker, start))


def _pairs_in(con: duckdb.DuckDBPyConnection, rule: str) -> int:
    found = con.execute(f"SELECT count(*) FROM (SELECT 1 FROM record l JOIN record r ON {rule} AND l.uid < r.uid "
                        f"LIMIT {_FEWEST_PAIRS})").fetchall()  # fmt: skip
    return int(found[0][0])


def _learnt(linker: Any, start: Model) -> dict[str, tuple[tuple[float, float], ...]]:
    chances = {}
    for comparison in linker._settings_obj.core_model_settings.comparisons:
        name = comparison.output_column_name
        levels = [level for level in comparison.comparison_levels if not level.is_null_level]
        chances[name] = tuple(
            _chance(level.m_probability, level.u_probability, usual)
            for level, usual in zip(levels, start.chances[name], strict=True)
        )
    return chances


def _chance(m: Any, u: Any, usual: tuple[float, float]) -> tuple[float, float]:
    """What was learnt, drawn a little towards what is usual: a level that was never seen still may hold."""
    learnt_m = float(m) if isinstance(m, float) else usual[0]
    learnt_u = float(u) if isinstance(u, float) else usual[1]
    return (1 - _BELIEF) * learnt_m + _BELIEF * usual[0], (1 - _BELIEF) * learnt_u + _BELIEF * usual[1]


def _score(
    con: duckdb.DuckDBPyConnection, config: Config, parts: frozenset[str], model: Model, names: tuple[str, ...],
    skipped: Mapping[str, int], *, frequencies: bool = True, weakest: float = _WEAKEST,
) -> Links:  # fmt: skip
    linker, api = _linker(con, config, parts, model, frequencies=frequencies)
    if frequencies:
        _register_frequencies(con, linker, api, config, parts, model)
    linker.table_management.register_blocked_pairs_for_predict(api.register("pair", dataset_display_name="pair"))
    predicted = linker.inference.predict(threshold_match_weight=weakest).physical_name
    return _links(con, predicted, [one.name for one in compared(config, parts)], names, skipped,
                  config, model.prior)  # fmt: skip


def _register_frequencies(
    con: duckdb.DuckDBPyConnection, linker: Any, api: Any, config: Config, parts: frozenset[str], model: Model
) -> None:  # fmt: skip
    """How often each value occurs, drawn towards the average where there are few records to tell it."""
    for comparison in compared(config, parts):
        for place, level in enumerate(comparison.levels):
            part = level.conditions[0].parts[0] if level.by_frequency else ""
            if part not in parts:
                continue
            name, usual = column(part), model.chances[comparison.name][place][1]
            all_of_them = f"(SELECT count({name}) FROM record)"
            con.execute(f"""CREATE TABLE often_{name} AS SELECT {name},
                    (count(*) + {usual * _DRAWN}::DOUBLE) / ({all_of_them} + {_DRAWN}::DOUBLE) AS tf_{name}
                FROM record WHERE {name} IS NOT NULL GROUP BY {name}""")
            said = api.register(f"often_{name}", dataset_display_name=f"often_{name}")
            linker.table_management.register_term_frequency_lookup(said, name)


def _links(
    con: duckdb.DuckDBPyConnection, predicted: str, compared: list[str], names: tuple[str, ...],
    skipped: Mapping[str, int], config: Config, prior: float,
) -> Links:  # fmt: skip
    bits = {column_name for (column_name, *_rest) in con.execute(f"DESCRIBE {predicted}").fetchall()}
    sums = ", ".join(
        " + ".join(f"p.{one}" for one in (f"mw_{name}", f"mw_tf_adj_{name}") if one in bits) + f" AS c_{name}"
        for name in compared
    )
    levels = ", ".join(f"p.gamma_{name} AS g_{name}" for name in compared)
    comma = ", " if compared else ""
    found = con.execute(f"""SELECT l.tbl AS lt, l.row_no AS lr, r.tbl AS rt, r.row_no AS rr, p.match_weight AS w
        {comma}{sums}{comma}{levels}
        FROM {predicted} p JOIN record l ON l.uid = p.uid_l JOIN record r ON r.uid = p.uid_r
        ORDER BY l.uid, r.uid""").fetchnumpy()
    count = {one.name: len(one.levels) for one in config.comparisons}
    weight = found["w"].astype(np.float64)
    contributions: dict[str, Floats] = {START: np.full(len(weight), float(np.log2(prior / (1 - prior))))}
    contributions |= {name: np.asarray(found[f"c_{name}"], np.float64) for name in compared}
    at = {name: _levels(found[f"g_{name}"], count[name]) for name in compared}
    return Links(names, *(found[one].astype(np.int64) for one in ("lt", "lr", "rt", "rr")), weight,
                 linkage.probabilities(weight), contributions, at, dict(skipped))  # fmt: skip


def _levels(gamma: Any, count: int) -> Ints:
    """Splink counts levels from the rest up; here the strongest is 0 and missing is -1."""
    numbers = np.asarray(gamma, np.int64)
    return np.where(numbers < 0, -1, count - 1 - numbers)


def _most_likely(tables: Mapping[str, Columns], inside: frozenset[int]) -> float:
    """A prior that is rather too high: as if every second record had a partner."""
    return min(sum(map(_rows, tables.values())) / 2 / _possible(tables, inside), 0.5)


def _rows(table: Any) -> int:
    return table.num_rows if hasattr(table, "num_rows") else len(next(iter(table.values()), ()))


def _possible(tables: Mapping[str, Columns], inside: frozenset[int]) -> float:
    """How many pairs there could be."""
    sizes = list(map(_rows, tables.values()))
    between = (sum(sizes) ** 2 - sum(size**2 for size in sizes)) / 2
    return max(between + sum(sizes[place] * (sizes[place] - 1) / 2 for place in inside), 1.0)


def _prior(weights: Floats, prior: float, possible: float) -> float:
    """The prior under which the pairs found add up to what it says, from a start."""
    odds = weights - np.log2(prior / (1 - prior))
    for _round in range(_PRIOR_ROUNDS):
        expected = float(linkage.probabilities(odds + np.log2(prior / (1 - prior))).sum())
        prior = min(max(expected, 0.5) / possible, 0.5)
    return prior


def _with_prior(links: Links, prior: float, possible: float) -> Links:
    new = _prior(links.weight, prior, possible)
    shift = float(np.log2(new / (1 - new)) - np.log2(prior / (1 - prior)))
    weight = links.weight + shift
    start = links.contributions[START] + shift
    return replace(links, weight=weight, probability=linkage.probabilities(weight),
                   contributions={**links.contributions, START: start})  # fmt: skip
