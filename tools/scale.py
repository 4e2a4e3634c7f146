"""docs/scale.md: what 22.1 billion facts and a large city's registers cost, computed from what was measured."""

# ruff: noqa: E501 - sentences of the page

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FACTS = 22_100_000_000
ENTRIES = {"people": 20_000_000, "dwellings": 14_000_000, "buildings": 1_000_000, "companies": 3_600_000}
COMPANY = 394.0
"""Bytes of a company with a sealed representative on SQLite: `python -m bench.registers --rows 100000 --sealed`."""
MACHINES = (1, 4, 16)
_YEARS, _PLACES = 3, 12
_DISK_B, _PATIENT_S, _GOAL_S = 1e12, 60.0, 12.0


def page() -> str:
    """The page, from the figures that the benches have saved."""
    lake, sizes = (_saved(name) for name in ("lake", "sizes"))
    return "\n".join([*_head(lake), *_facts(lake), *_limits(lake), *_registers(sizes), *_not_measured(lake)])


def _saved(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "bench" / "measured" / f"{name}.json").read_text())
    return found


def _head(lake: dict[str, Any]) -> list[str]:
    ours, machine = lake["ours"], lake["machine"]
    return [
        "# What 22.1 billion facts cost", "",
        "Computed by `make docs` from figures that benches save (`bench/measured`): measure again with "
        f"`{lake['command']} --save`, then `make docs`. This page was computed from {ours['rows']:,} facts on "
        f"{machine['cores']} cores and {machine['memory_gb']} GB ({machine['system']}), {machine['on']}, {_while(lake)}.", "",
        *(["**These figures are of a small run on a busy machine: they say how the page is computed, and too little of "
           "the rest.** Save a run of a billion facts on an idle machine before you plan with them.", ""]
          if ours["rows"] < 100_000_000 or (machine["load"] or 0) > 4 else []),
        "Everything here is in proportion: bytes and seconds for each fact, times the facts. That is right where every "
        "fact has to be read or written, and says nothing where an index or a bound helps; those are listed apart.", "",
    ]  # fmt: skip


def _while(lake: dict[str, Any]) -> str:
    """How busy the machine was; figures without a load are those of docs/benchmarks.md."""
    if lake.get("rounded"):
        return ("with nothing else at work, and rounded as in [the measurements](benchmarks.md); opening and joining files "
                "are of a run before")  # fmt: skip
    return f"with a load of {lake['machine']['load']}, the run itself among it"


def _facts(lake: dict[str, Any]) -> list[str]:
    ours = lake["ours"]
    group_s = ours["group_by_thing"]["median_s"] / ours["rows"] * FACTS
    write_s = FACTS / ours["rows_per_s"]
    stored = FACTS * ours["bytes_a_row"]
    rows = [
        ("on the disk", [_bytes(stored / n) for n in MACHINES]),
        ("written in bulk, once", [_time(write_s / n) for n in MACHINES]),
        ("grouped by one key, all of them", [_time(group_s / n) for n in MACHINES]),
        ("grouped by one key, one day of three years", [_time(group_s / (365 * _YEARS) / n) for n in MACHINES]),
    ]
    same = [
        ("one thing's history in a place", f"{ours['history_of_one']['median_s']} s for the days measured; each further "
         "day opens one more file"),
        ("a commit of 5,000 facts", f"{ours['commit_of_5000']['median_s']} s, whatever the table holds"),
        ("5,000 facts into the journal", f"{ours['journal_of_5000']['median_s']} s, synced"),
        ("joining small files", f"{ours['joined']} s for the small files of {29 * 5000:,} facts; nothing else is touched, "
         f"and where there are none it takes {ours['nothing_to_join']} s"),
    ]  # fmt: skip
    return [
        "## The facts", "",
        f"Measured: {ours['bytes_a_row']} bytes a fact, {ours['rows_per_s']:,} facts a second written with every commit "
        f"synced, {ours['group_by_thing']['median_s']} s to group all by one key.", "",
        f"| {FACTS:,} facts | {' | '.join(_name(n) for n in MACHINES)} |", "|---|" + "---|" * len(MACHINES),
        *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows), "",
        "| what does not grow with the facts | |", "|---|---|", *(f"| {name} | {says} |" for name, says in same), "",
        "The columns of several machines divide by their number. That is a bound from below: it holds where a day's files "
        "lie on all of them and the network is no slower than their disks. Writing is divided by writers who take turns "
        "at one log; they wait for each other a commit at a time, not a file at a time.", "",
    ]  # fmt: skip


def _limits(lake: dict[str, Any]) -> list[str]:
    ours, many = lake["ours"], lake["ours"]["open_of_many"]
    files = 365 * _YEARS * _PLACES
    a_file = many["median_s"] / many["files"]
    group_s = ours["group_by_thing"]["median_s"] / ours["rows"]
    return [
        "## Where one machine stops being enough", "",
        f"* **Waiting for an answer over everything.** {_GOAL_S:.0f} s are over at {_count(_GOAL_S / group_s)} facts, a "
        f"minute at {_count(_PATIENT_S / group_s)}. Questions of a day, a place or a thing stay as they are: ask those, or "
        "keep sums in a dataset of their own.",
        f"* **The disk.** A terabyte holds {_count(_DISK_B / ours['bytes_a_row'])} facts of the kind measured: three numbers "
        "that change slowly. Texts that differ take more; `cityloom lake status` says how much yours take.",
        f"* **The files.** {_YEARS} years by the day in {_PLACES} places are {files:,} files; a question first reads what the "
        f"log says of them, which takes {a_file * files:.2f} s (measured with {many['files']:,}: {many['median_s']} s). "
        "Datasets with few facts a day are partitioned by month or year (`each`).",
        f"* **What arrives.** {FACTS:,} facts in a year are {FACTS / 31_536_000:,.0f} a second; one machine writes "
        f"{ours['rows_per_s']:,}. It is not writing that needs a cluster.", "",
        "## What a cluster changes", "",
        "Spark reads the same files by the same lists, and `tests/lake/test_questions.py` holds that its answers are "
        "DuckDB's. The lake's folder lies on a file system that all machines mount, and that can link a file under a "
        "name that fails where the name is taken (POSIX `link`; NFS version 4, CephFS and Lustre can): that is how two "
        "writers do not lose each other's commits. Object stores cannot be written to yet. Compaction and vacuum run in "
        "one worker; a lock on a file keeps a second one away where the file system has locks for all machines.", "",
    ]  # fmt: skip


def _registers(sizes: dict[str, Any]) -> list[str]:
    a_row = sizes["bytes_a_row"] | {"companies": COMPANY}
    rows = [f"| {kind} | {count:,} | {a_row[kind]:.0f} | {_bytes(count * a_row[kind])} |" for kind, count in ENTRIES.items()]
    total = sum(count * a_row[kind] for kind, count in ENTRIES.items())
    return [
        "## The registers beside it", "",
        f"Measured with `{sizes['command']} --save` on SQLite; of a company with `python -m bench.registers --rows 100000 "
        "--sealed`. A person is the sealed envelope, the dwelling, both indexes and the keeper's secret and look-up files, "
        "which grow in steps and weigh more in a small city.", "",
        "| register | entries | bytes an entry | together |", "|---|---|---|---|", *rows,
        f"| all | {sum(ENTRIES.values()):,} | | {_bytes(total)} |", "",
        "These are the tables of a city that was built as a whole. What departments' files bring is kept beside them, one "
        f"record for each source and each change, of about 271 bytes without and {COMPANY:.0f} with a sealed person: "
        "nothing is overwritten, so that a source that changes everything each year doubles it each year.", "",
    ]  # fmt: skip


def _not_measured(lake: dict[str, Any]) -> list[str]:
    return [
        "## What was not measured", "",
        f"* 22.1 billion facts. The largest run that this page knows has {lake['ours']['rows']:,}.",
        "* More than one machine: Spark was run as `local[2]` only, for the same answers, not for speed.",
        "* Network file systems, object stores, and disks slower or faster than the one above.",
        "* Many people asking at once: each question had the machine to itself.",
        "* Datasets with long texts or sealed columns; a sealed value is as large as its plaintext and 60 bytes more.",
        "* A year of small commits, with its compaction and vacuum, in one go.", "",
    ]  # fmt: skip


def _name(machines: int) -> str:
    return "one machine" if machines == 1 else f"{machines} machines"


def _bytes(count: float) -> str:
    unit = next((unit for unit in ("GB", "MB") if count >= {"GB": 1e9, "MB": 1e6}[unit]), "kB")
    return f"{count / {'GB': 1e9, 'MB': 1e6, 'kB': 1e3}[unit]:,.1f} {unit}"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:,.1f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


def _count(facts: float) -> str:
    return f"{facts / 1e9:,.1f} billion" if facts >= 1e9 else f"{facts / 1e6:,.0f} million"
