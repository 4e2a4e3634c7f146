"""Many rows at once: what is written is what is read, in either database."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.gate.models import EnvelopeVersion
from cityloom.registers import bulk
from cityloom.registers.models import OPEN, Disagreement, OrganisationRecord

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 2, tzinfo=UTC)
TEXTS = ["", "a", "澜江市 1号", "a\x1fb", "\x1f", "'; DROP TABLE x; --", "{a,\"b\"}", "\\x1f\\N\t\n"]
text = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=8)


def companies(keys: list[str], names: list[str], capital: list[int | None]) -> dict[str, Any]:
    count = len(keys)
    return {
        "id": np.arange(1, count + 1), "source_id": np.ones(count, np.int16), "key": keys, "name": names,
        "closed_by": np.full(count, OPEN, np.int32), "valid_from": ["2026-11-01"] * count,
        "is_gone": np.zeros(count, np.bool_), "digest": list(range(count)), "capital_fen": capital,
        "registered_on": [None] * count,
    }  # fmt: skip


def filled(columns: dict[str, Any]) -> dict[str, Any]:
    """With what has no default in the database."""
    count = len(columns["key"])
    for field in OrganisationRecord._meta.fields:
        if field.name not in columns and not field.null:
            columns[field.name] = [b"" if field.name == "folded" else ""] * count
    return columns


@given(st.lists(st.tuples(text, st.none() | st.integers(0, 1 << 40)), min_size=1, max_size=6))
def test_texts_and_empty_numbers_come_back_as_they_were(rows: list[tuple[str, int | None]]) -> None:
    OrganisationRecord.objects.all().delete()
    keys = [f"K{place}" for place in range(len(rows))]
    bulk.write(OrganisationRecord, filled(companies(keys, [name for name, _ in rows], [number for _, number in rows])))
    found = OrganisationRecord.objects.order_by("id").values_list("name", "capital_fen", "valid_from", "registered_on")
    assert list(found) == [(name, number, date(2026, 11, 1), None) for name, number in rows]


def test_whatever_stands_in_a_key_finds_its_row() -> None:
    bulk.write(OrganisationRecord, filled(companies(TEXTS, TEXTS, [None] * len(TEXTS))))
    for asked in (TEXTS, TEXTS[:3], TEXTS[3:4], TEXTS[:1], ["b", "nobody"]):
        rows = bulk.rows_with(OrganisationRecord, "key", "key", asked, "source_id = %s", [1])
        assert {key for key, in rows} == set(asked) & set(TEXTS)
    assert bulk.rows_with(OrganisationRecord, "key", "key", []) == []
    bulk.change(OrganisationRecord, "closed_by", 7, [1, 3])
    assert set(OrganisationRecord.objects.filter(closed_by=7).values_list("id", flat=True)) == {1, 3}


def test_places_and_folded_names_that_are_missing_stay_so() -> None:
    columns = companies(["1", "2", "3"], ["A", "B", "C"], [None, 0, 1])
    columns |= {"lon": np.array([1.5, float("nan"), 2.0]), "folded": [b"\x01\x00\x02", b"", b"\x00"],
                "registered_on": ["2000-01-01", None, "1969-12-31"]}  # fmt: skip
    bulk.write(OrganisationRecord, filled(columns))
    found = OrganisationRecord.objects.order_by("id").values_list("folded", "lon", "registered_on", "capital_fen")
    assert [(bytes(run), *more) for run, *more in found] == [
        (b"\x01\x00\x02", 1.5, date(2000, 1, 1), None), (b"", None, None, 0), (b"\x00", 2.0, date(1969, 12, 31), 1),
    ]  # fmt: skip


def test_bytes_and_decisions_are_rewritten_where_they_belong_alone() -> None:
    sealed = np.arange(12, dtype=np.uint8).reshape(3, 4)
    bulk.write(EnvelopeVersion, {"id": np.array([5, 6, 7]), "subject": np.array([1, 2, 3]), "sealed": sealed,
                                 "field_set": np.ones(3, np.int16), "key_id": np.ones(3, np.int16)})  # fmt: skip
    bulk.change_bytes(EnvelopeVersion, "sealed", {7: b"last", 5: b"one."})
    bulk.change_bytes(EnvelopeVersion, "sealed", {})
    assert {number: bytes(run) for number, run in EnvelopeVersion.objects.values_list("id", "sealed")} == {
        5: b"one.", 6: bytes([4, 5, 6, 7]), 7: b"last"}  # fmt: skip
    rows = [Disagreement(id=at, register="people", key=str(at), field="phone", source_a=1, source_b=2, record_a=1,
                         record_b=2, found_by=1) for at in (1, 2)]  # fmt: skip
    Disagreement.objects.bulk_create(rows)
    rows[1].state, rows[1].at, rows[1].past = Disagreement.SETTLED, AT, [{"by": "甲", "at": "x"}]
    bulk.rewrite(Disagreement, rows[1:], ("state", "at", "past"))
    bulk.rewrite(Disagreement, [], ("state",))
    assert list(Disagreement.objects.order_by("id").values_list("state", "at", "past")) == [
        ("open", None, []), ("settled", AT, [{"by": "甲", "at": "x"}])]  # fmt: skip
