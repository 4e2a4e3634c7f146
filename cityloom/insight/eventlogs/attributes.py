"""What a log says of each case beside its events: kept where it tells kinds of cases apart, never who somebody is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cityloom.insight.domain import persons
from cityloom.insight.domain.eventlog import NONE, UNKNOWN, CaseAttribute, Codes
from cityloom.insight.eventlogs.instants import instants

MOST = 30
MOST_LABELS = 100
_MOST_SHARE = 0.2  # a text of which more cases than every fifth have their own tells nothing, or tells who
_SAMPLE = 500
_READABLE = 0.9
_DATE = r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}"


def of_events(columns: Mapping[str, pa.ChunkedArray], case: Codes, cases: int, zone: str
              ) -> tuple[dict[str, CaseAttribute], list[str]]:  # fmt: skip
    """Columns of events that have one value in each case; with the names of those that are left out."""
    first = _first_rows(case, cases)
    kept, left_out = {}, []
    for name, column in columns.items():
        found = None
        if len(kept) < MOST and _is_constant(column, case, first):
            found = of_cases(column.take(pa.array(first)), zone)
        if found is None:
            left_out.append(name)
        else:
            kept[name.removeprefix("case:")] = found
    return kept, left_out


def of_cases(values: pa.Array | pa.ChunkedArray, zone: str) -> CaseAttribute | None:
    """One text for each case as numbers, instants or labels; None where they are of no use, or may be about people."""
    texts = pc.fill_null(pc.utf8_trim_whitespace(values.cast(pa.string())), "")
    given = texts.filter(pc.not_equal(texts, ""))
    if not len(given):
        return None
    sample = given.slice(0, _SAMPLE)
    if pc.all(pc.match_substring_regex(sample, _DATE)).as_py():
        return CaseAttribute(instants(texts, zone).at)
    numbers = pd.to_numeric(pd.Series(texts.to_pandas()).replace("", None), errors="coerce").to_numpy(np.float64)
    if np.isfinite(numbers).sum() >= _READABLE * len(given):
        return CaseAttribute(numbers) if not persons.look_like_persons(sample.to_pylist()) else None
    return _labels(texts)


def _labels(texts: pa.Array | pa.ChunkedArray) -> CaseAttribute | None:
    packed = pa.chunked_array(texts).combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    coded = packed.dictionary_encode()
    labels = coded.dictionary.to_pylist()
    many = len(labels) > min(MOST_LABELS, max(2, len(texts) * _MOST_SHARE))
    if many or persons.look_like_persons([one for one in labels if one]):
        return None
    names = [one for one in labels if one]
    turned = np.array([names.index(one) if one else NONE for one in labels], np.int32)
    return CaseAttribute(turned[coded.indices.to_numpy(zero_copy_only=False)], tuple(names))


def _first_rows(case: Codes, cases: int) -> np.ndarray:
    """The first row of each case; 0 where it has none."""
    first = np.zeros(cases, np.int64)
    known = np.flatnonzero(case != NONE)[::-1]
    first[case[known]] = known
    return first


def _is_constant(column: pa.ChunkedArray, case: Codes, first: np.ndarray) -> bool:
    packed = column.combine_chunks().dictionary_encode()
    codes = pc.fill_null(packed.indices, -1).to_numpy(zero_copy_only=False)
    known = case != NONE
    return bool((codes[known] == codes[first[case[known]]]).all())


def instant_or_none(texts: list[str], zone: str) -> CaseAttribute | None:
    """Dates of cases, for readers that know that they are dates."""
    found = instants(texts, zone)
    return None if (found.at == UNKNOWN).all() else CaseAttribute(found.at)
