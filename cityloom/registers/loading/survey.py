"""The first reading of a file: nothing is written, everything that only the whole file can tell is found out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from cityloom.kernel.refused import Refused
from cityloom.registers.domain.checks import Checked, Checks, Verdict
from cityloom.registers.domain.connectivity import Segments
from cityloom.registers.domain.fact_kinds import dataset_of
from cityloom.registers.domain.mapping import FileMapping
from cityloom.registers.domain.ownership import cyclic_with
from cityloom.registers.domain.tables import ColumnTable, Rows, Table
from cityloom.registers.domain.within import Within
from cityloom.registers.loading.reading import checked, held, rows_of

_ENOUGH_TO_TELL = 20
_MOST_SHOWN = 50
_FEW = 0.2
"""Where a verdict touches a smaller share of a file, these rows alone are looked at again."""
Unknown = Callable[[str, Collection[str]], set[str]]
"""Called with a register and keys: which of them it does not have; none where it has nothing at all."""
Owners = Callable[[Collection[str], Callable[[Collection[str]], set[str]]], Mapping[str, Collection[str]]]
"""Called with keys, and with what tells which keys the file has: the owners that sources have for them by now."""
Told = Callable[[int], None]


@dataclass
class Survey:
    """What a file holds: rows, bad rows by field and rule, notes, and some bad rows by number."""

    rows: int = 0
    bad: int = 0
    findings: Counter[tuple[str, str]] = field(default_factory=Counter)
    notes: Counter[tuple[str, str]] = field(default_factory=Counter)
    shown: list[tuple[int, list[tuple[str, str]]]] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)
    filled: Counter[str] = field(default_factory=Counter)
    keys: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    within: Within | None = None
    day: date | None = None
    doubtful: NDArray[np.int64] | None = None

    def doubtful_on(self, day: date) -> NDArray[np.int64] | None:
        """The numbers of rows that no proof vouches for, where the file was looked at as of this day."""
        return self.doubtful if day == self.day else None


def survey(
    table: Table, mapping: FileMapping, today: date, unknown: Unknown, tell: Told = lambda rows: None,
    owners: Owners = lambda keys, are_here: {},
) -> Survey:  # fmt: skip
    """Read the whole file once, twice where it needs a verdict on keys, and say what is in it.

    Raises: Refused as the file's reader does.
    """
    first = _First(mapping)
    checks = Checks(mapping, table.header, today)
    for rows, found in checked(table, checks, only=checks.across):
        first.take(rows, found)
        tell(first.rows)
    found = Survey(rows=first.rows, keys=first.keys(), bad=first.bad, shown=first.shown, day=today,
                   doubtful=first.doubtful())  # fmt: skip
    found.findings, found.notes = first.findings, first.notes
    repeated = {} if dataset_of(mapping.register.name) else _repeated(table, checks, mapping, first)
    found.verdict = Verdict(repeated, _dangling(mapping, first, found.keys, unknown),
                            _cyclic(first, found.keys, owners))  # fmt: skip
    if found.verdict != Verdict():
        judged = Checks(mapping, table.header, today, found.verdict)
        touched = first.touched_by(found.verdict)
        if isinstance(table, ColumnTable) and len(touched) < found.rows * _FEW:
            wrong = _judge_some(found, table, (checks, judged), touched)
            if found.doubtful is not None:  # their texts will be wanted
                found.doubtful = np.union1d(found.doubtful, np.array(wrong, np.int64))
        else:
            _judge(found, table, judged)
    if first.segments:
        found.notes.update(first.segments.findings())
    found.filled = first.filled
    return found


class _First:
    """What the first pass gathers."""

    def __init__(self, mapping: FileMapping) -> None:
        register = mapping.register
        mapped = {column.field.name for column in mapping.columns}
        self._key = register.key
        self._owner = register.owner if register.owner in mapped else ""
        self._references = {f.name: f.refers_to for f in register.fields if f.refers_to and f.name in mapped}
        self._keys: list[NDArray[np.int64]] = []
        self._numbers: list[NDArray[np.int64]] = []
        self._is_good: list[NDArray[np.bool_]] = []
        self._doubtful: list[NDArray[np.int64]] | None = []
        self._named: dict[str, list[NDArray[np.int64]]] = {name: [] for name in self._references}
        self.rows = 0
        self.bad = 0
        self.findings: Counter[tuple[str, str]] = Counter()
        self.notes: Counter[tuple[str, str]] = Counter()
        self.filled: Counter[str] = Counter()
        self.shown: list[tuple[int, list[tuple[str, str]]]] = []
        self.owner_of: dict[str, str] = {}
        self.referred: dict[str, set[str]] = {name: set() for name in self._references}
        self.segments = Segments() if register.name in ("mains", "roads") else None

    def take(self, rows: Rows, found: Checked) -> None:
        """Note a batch."""
        keys = found.values[self._key]
        self._keys.append(_hashes(keys))
        self._note_rows(np.array(rows.numbers, np.int64), found)
        self.rows += found.count
        self.filled.update({name: held(values) for name, values in found.values.items()})
        self.filled.update(found.filled)
        _count(self, rows, found)
        if self.segments:
            self.segments.take(found.values, found.good)
        for name in self._references:
            self.referred[name].update(found.values[name])
            self._named[name].append(_hashes(found.values[name]))
        if self._owner:
            self.owner_of.update((key, owner) for key, owner in zip(keys, found.values[self._owner], strict=True)
                                 if owner)  # fmt: skip

    def _note_rows(self, numbers: NDArray[np.int64], found: Checked) -> None:
        is_good = np.ones(found.count, np.bool_)
        is_good[list(found.faults)] = False
        self._numbers.append(numbers)
        self._is_good.append(is_good)
        if found.doubtful is None:
            self._doubtful = None
        elif self._doubtful is not None:
            self._doubtful.append(numbers[found.doubtful])

    def keys(self) -> NDArray[np.int64]:
        """Hashes of the keys of all rows."""
        return _joined(self._keys)

    def doubtful(self) -> NDArray[np.int64] | None:
        """The numbers of rows that no proof vouched for; None where none was looked for."""
        return None if self._doubtful is None else _joined(self._doubtful)

    def suspects(self) -> set[int]:
        """The numbers of good rows whose key another good row may have."""
        is_good = np.concatenate([np.zeros(0, np.bool_), *self._is_good])
        hashes = self.keys()[is_good]
        ordered = np.sort(hashes)
        twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
        return set(_joined(self._numbers)[is_good][_are_among(hashes, twice)].tolist()) if len(twice) else set()

    def touched_by(self, verdict: Verdict) -> set[int]:
        """The numbers of the rows of which a verdict may say something."""
        numbers, out = _joined(self._numbers), set(verdict.repeated)
        named = [(self._named[name], lost) for name, lost in verdict.dangling.items()] + [(self._keys, verdict.cyclic)]
        for hashes, wrong in named:
            if wrong:
                out.update(numbers[_are_among(_joined(hashes), np.unique(_hashes(wrong)))].tolist())
        return out


def _hashes(texts: Collection[str]) -> NDArray[np.int64]:
    return np.fromiter(map(hash, texts), np.int64, len(texts))


def _joined(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(0, np.int64), *parts])


def _are_among(hashes: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which are among some that rise."""
    places = np.minimum(np.searchsorted(wanted, hashes), len(wanted) - 1)
    return wanted[places] == hashes


def _count(found: _First | Survey, rows: Rows, checked: Checked) -> None:
    for place, faults in checked.faults.items():
        found.findings.update(faults)
        if len(found.shown) < _MOST_SHOWN:
            found.shown.append((rows.numbers[place], faults))
    found.bad += len(checked.faults)
    found.notes.update(checked.notes)


def _repeated(table: Table, checks: Checks, mapping: FileMapping, first: _First) -> dict[int, str]:
    """Rows whose key another good row has: the same row again, or one that says something else."""
    groups: dict[str, list[tuple[int, int]]] = {}
    for numbers, texts in rows_of(table, first.suspects()):
        keys = checks.read(texts, {}).values[mapping.register.key]
        for number, key, row in zip(numbers, keys, texts, strict=True):
            groups.setdefault(key, []).append((number, hash(tuple(row))))
    out: dict[int, str] = {}
    for rows in groups.values():
        if len({says for _number, says in rows}) > 1:
            out.update(dict.fromkeys((number for number, _says in rows), "repeated_key"))
        else:
            out.update(dict.fromkeys((number for number, _says in rows[1:]), "repeated_row"))
    return out


def _dangling(
    mapping: FileMapping, first: _First, keys_here: NDArray[np.int64], unknown: Unknown
) -> dict[str, frozenset[str]]:  # fmt: skip
    """Keys that a field refers to and that neither the file nor the register has."""
    out = {}
    for name, keys in first.referred.items():
        refers_to = mapping.register.field(name).refers_to
        wanted = sorted(key for key in keys if key)
        if refers_to == mapping.register.name:
            own = np.unique(keys_here)
            is_here = np.isin(np.array(list(map(hash, wanted)), np.int64), own)
            wanted = [key for key, here in zip(wanted, is_here.tolist(), strict=True) if not here]
        if lost := unknown(refers_to, wanted):
            out[name] = frozenset(lost)
    return out


def _cyclic(first: _First, keys_here: NDArray[np.int64], owners: Owners) -> frozenset[str]:
    """Keys on circles of owners, in the file alone or with what is known."""
    if not first.owner_of:
        return frozenset()
    own = np.unique(keys_here)

    def are_here(keys: Collection[str]) -> set[str]:
        listed = list(keys)
        here = np.isin(np.array(list(map(hash, listed)), np.int64), own)
        return {key for key, is_here in zip(listed, here.tolist(), strict=True) if is_here}

    return cyclic_with(first.owner_of, lambda keys: owners(keys, are_here))


def _judge(found: Survey, table: Table, checks: Checks) -> None:
    """Count again, now that the whole file is known."""
    found.findings, found.notes, found.bad, found.shown = Counter(), Counter(), 0, []
    for rows, again in checked(table, checks, only=checks.across):
        _count(found, rows, again)


def _judge_some(found: Survey, table: Table, checks: tuple[Checks, Checks], touched: set[int]) -> list[int]:
    """The same, by the rows that the verdict touches: what was said of them by themselves gives way; those now bad."""
    by_itself, judged = checks
    shown, wrong = dict(found.shown), list[int]()
    for numbers, texts in rows_of(table, touched):
        before, after = by_itself.check(numbers, texts, {}), judged.check(numbers, texts, {})
        found.bad += len(after.faults) - len(before.faults)
        found.findings.subtract(fault for faults in before.faults.values() for fault in faults)
        found.findings.update(fault for faults in after.faults.values() for fault in faults)
        found.notes.subtract(before.notes)
        found.notes.update(after.notes)
        wrong += [numbers[place] for place in after.faults]
        shown |= {numbers[place]: faults for place, faults in after.faults.items()}
        shown = dict(sorted(shown.items())[:_MOST_SHOWN])
    found.findings, found.notes, found.shown = +found.findings, +found.notes, list(shown.items())
    return wrong


def check_plausible(found: Survey, mapping: FileMapping) -> None:
    """Where most of a column is wrong, it is not the rows that are.

    Raises: Refused `registers.too_many_bad`, `registers.column_changed`.
    """
    if found.rows < _ENOUGH_TO_TELL:
        return
    names = {column.field.name: column.name for column in mapping.columns}
    wrong: Counter[str] = Counter()
    for (name, rule), count in found.findings.items():
        if rule in _OF_A_COLUMN:
            wrong[name] += count
    for name, count in wrong.most_common():
        if name in names and count > max(found.filled[name], found.rows // 2) * mapping.most_bad:
            raise Refused("registers.column_changed", "Most of the column {value} is not what the mapping says, so its "
                          "form or its code list has changed; look at it with `cityloom register profile`, and "
                          "correct the mapping. Nothing was loaded.", value=names[name])  # fmt: skip
    if found.bad > found.rows * mapping.most_bad:
        raise Refused("registers.too_many_bad", "{value} of {limit} rows break a rule, so the mapping is likely wrong "
                      "and nothing was loaded; --dry-run says which rules. Correct the mapping, allow more with "
                      "most_bad, or ask for the file again.", value=found.bad, limit=found.rows)  # fmt: skip


_OF_A_COLUMN = frozenset({
    "shape", "checksum", "no_such_area", "not_a_date", "not_a_number", "out_of_range", "unknown_code", "required",
    "not_a_shape", "wrong_shape", "no_such_class",
})  # fmt: skip
