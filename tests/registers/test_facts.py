"""A department's file of facts comes into the lake through the same mapping, checks and quarantine as a register's."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cityloom.gate import actions as gate
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.lake import catalogue, parquet
from cityloom.lake.domain import declaration
from cityloom.registers import actions, queries
from cityloom.registers.loading import lake
from cityloom.registers.models import Load
from cityloom.registers.zones.cases import past_cases

pytestmark = pytest.mark.django_db
PERMITS = """\
cityloom: 1
dataset: permits
title: Building permits
register: buildings
each: year
counts_as: cases
columns:
  kind: {kind: text, codes: [repair, new]}
  floor_area: {kind: number, unit: m2, source: planning office}
  is_open: {kind: flag}
"""
MAPPING = """\
cityloom: 1
source: planning
register: facts
dataset: permits
file: {format: csv}
columns:
  building: {field: key}
  granted: {field: at, form: YYYY-MM-DD}
  what: {field: kind, codes: {R: repair, N: new}}
  area: {field: floor_area, unit: m2}
  open: {field: is_open, codes: {"yes": "true", "no": "false"}}
"""
BUILDINGS = """\
cityloom: 1
source: housing
register: buildings
file: {format: csv}
columns: {code: {field: code}, lon: {field: lon}, lat: {field: lat}}
"""
HEADER = ("building", "granted", "what", "area", "open")
AT = datetime(2026, 11, 2, 8, tzinfo=UTC)


class Desk:
    """Files and mappings on a steward's desk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, *rows: tuple[str, ...], header: tuple[str, ...] = HEADER) -> Path:
        path = self.folder / f"{len(list(self.folder.iterdir()))}.csv"
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([header, *rows])
        return path

    def load(self, path: Path, mapping: str = MAPPING) -> actions.Outcome:
        text = self.folder / "mapping.yaml"
        text.write_text(mapping, "utf-8")
        return actions.load_file(actions.read_mapping(text), path, by=SYSTEM, at=AT)


@pytest.fixture
def desk(tmp_path: Path, settings: object) -> Iterator[Desk]:
    settings.CITYLOOM = settings.CITYLOOM | {"LAKE_DIR": tmp_path / "lake"}  # type: ignore[attr-defined]
    catalogue.declare(tmp_path / "lake", declaration.read(PERMITS))
    (tmp_path / "desk").mkdir()
    with clock.use(clock.DrillClock(AT)):
        yield Desk(tmp_path / "desk")


def rows() -> int:
    return sum(one.rows for one in catalogue.table(queries.lake_root(), "permits").files())


def permit(building: str, day: str = "2026-03-04", what: str = "R") -> tuple[str, ...]:
    return building, day, what, "12.5", "yes"


def test_facts_are_found_at_their_thing_with_units_and_place(desk: Desk) -> None:
    desk.load(desk.file(("B1", "114.05", "22.5"), header=("code", "lon", "lat")), BUILDINGS)
    done = desk.load(desk.file(permit("B1"), permit("B1", "2025-05-06 09:30", "N"), permit("B2")))
    (found,) = queries.facts_about("buildings", "B1")
    assert (found.dataset, found.units["floor_area"]) == ("permits", "m2")
    assert [(row["kind"], row["is_open"], row["floor_area"]) for row in found.rows] == [
        ("repair", True, 12.5), ("new", True, 12.5),
    ]  # fmt: skip
    assert found.rows[1]["at"].astimezone(queries.time_zone()).strftime("%Y-%m-%d %H:%M") == "2025-05-06 09:30"
    assert len(queries.facts_about("buildings", "B1", limit=1)[0].rows) == 1
    assert done.survey is not None
    assert done.survey.notes["key", "unknown_reference"] == 1, "B2 is noted"
    assert queries.facts_about("buildings", "B2"), "and not lost"
    cells = past_cases(AT)
    assert list(cells.values()) == [1], "of the last twelve months, with a place"


def test_the_same_file_twice_is_once(desk: Desk) -> None:
    path = desk.file(permit("B1"), permit("B2"))
    first = desk.load(path)
    again = desk.load(path)
    assert (first.is_new, again.is_new, rows()) == (True, False, 2)


def test_two_departments_may_tell_of_one_thing(desk: Desk) -> None:
    desk.load(desk.file(permit("B1")))
    desk.load(desk.file(permit("B1", "2026-05-06")), MAPPING.replace("source: planning", "source: heritage"))
    assert rows() == 2
    assert {one.source for one in queries.loads()} == {"planning", "heritage"}


def test_bad_rows_wait_and_come_back_corrected(desk: Desk, tmp_path: Path) -> None:
    bad = permit("B2", "2026-02-30"), permit("", "2026-03-04"), permit("B4", what="X")
    outcome = desk.load(desk.file(permit("B1"), *bad))
    assert rows() == 1
    waiting = {row: findings for row, findings, _texts in queries.rows_set_aside(outcome.load)}
    assert waiting == {3: [["at", "no_such_date"]], 4: [["key", "required"]], 5: [["kind", "unknown_code"]]}
    export = tmp_path / "export.csv"
    assert actions.export_set_aside(outcome.load, export) == 3
    export.write_text(export.read_text("utf-8-sig").replace("2026-02-30", "2026-02-28"), "utf-8")
    actions.put_back(outcome.load, export, by=SYSTEM, at=AT)
    assert rows() == 2
    assert len(queries.rows_set_aside(outcome.load)) == 2


def test_a_load_that_is_cut_short_leaves_nothing_and_goes_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = desk.file(*(permit(f"B{number}") for number in range(30_000)))
    monkeypatch.setattr(lake, "_ROWS_AT_ONCE", 10_000)
    committed, staged = lake._commit, []

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(lake, "_commit", killed)
    with pytest.raises(KeyboardInterrupt):
        desk.load(path)
    assert rows() == 0, "nobody sees a part of a file"
    monkeypatch.setattr(lake, "_commit", committed)
    written = parquet.write
    monkeypatch.setattr(parquet, "write", lambda *args: staged.append(args) or written(*args))
    assert desk.load(path).is_new
    assert rows() == 30_000
    assert not staged, "what was written before is not written again"


def test_a_load_whose_files_were_swept_away_begins_anew(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = desk.file(permit("B1"), permit("B2"))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(lake, "_commit", killed)
        with pytest.raises(KeyboardInterrupt):
            desk.load(path)
    catalogue.table(queries.lake_root(), "permits").vacuum(hours=0)
    with pytest.raises(Refused, match="run it again"):
        desk.load(path)
    assert rows() == 0
    desk.load(path)
    assert rows() == 2


def test_a_commit_that_the_book_missed_is_not_made_twice(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path, other = desk.file(permit("B1"), permit("B2")), desk.file(permit("B3"))
    from cityloom.registers.loading import book

    finish = book.finish

    def killed(_load: Load) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(book, "finish", killed)
    with pytest.raises(KeyboardInterrupt):
        desk.load(path)
    monkeypatch.setattr(book, "finish", finish)
    assert desk.load(other).load == 2, "another file comes in between"
    assert not desk.load(path).is_new
    assert rows() == 3
    assert [one.state for one in queries.loads()] == ["done", "done"]


def test_a_load_that_fails_leaves_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> parquet.File:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(parquet, "_write_table", full)
        with pytest.raises(Refused, match="free some space"):
            desk.load(desk.file(permit("B1")))
    assert (rows(), queries.loads()[0].state) == (0, "given-up")


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("dataset: permits", "dataset: permit", 4, "did you mean permits"),
        ("dataset: permits\n", "", 3, "go together"), ("field: kind", "field: kidn", 9, "did you mean kind"),
        ("field: at,", "field: floor_area, unit: m2,", 6, "two columns become floor_area"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_mapping_is_named_with_its_line(
    desk: Desk, old: str, new: str, line: int, words: str
) -> None:
    with pytest.raises(Refused, match=words) as refused:
        desk.load(desk.file(permit("B1")), MAPPING.replace(old, new))
    assert refused.value.limit == line


VISITOR = "  visitor: {kind: integer, sensitivity: pseudonymous, personal: true}\n"


def test_people_are_keyed_numbers_by_the_keeper_and_nothing_else(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue.declare(queries.lake_root(), declaration.read(PERMITS + VISITOR))
    asked: list[tuple[str, list[str]]] = []

    def tokens(*, source: str, keys: list[str], **_: object) -> list[int]:
        asked.append((source, keys))
        return [sum(key.encode()) for key in keys]

    monkeypatch.setattr(gate, "register_tokens", tokens)
    mapping = MAPPING + "  who: {field: visitor}\n"
    told = desk.file((*permit("B1"), "4403 x1"), (*permit("B2"), ""), (*permit("B3"), "4403X1"),
                     (*permit("B4", "never"), "secret"), header=(*HEADER, "who"))  # fmt: skip
    outcome = desk.load(told, mapping)
    assert asked == [("lake-permits", ["4403X1", "4403X1"])]
    table = catalogue.table(queries.lake_root(), "permits")
    kept = [row for one in table.files() for row in pq.read_table(table.folder / one.path).to_pylist()]
    assert {row["key"]: row["visitor"] for row in kept} == {"B1": 340, "B2": None, "B3": 340}
    assert [texts for _row, _findings, texts in queries.rows_set_aside(outcome.load)] == [None], "not kept in clear"
    assert "visitor" not in queries.facts_about("buildings", "B1")[0].rows[0]
    everything = b"".join(path.read_bytes() for path in queries.lake_root().rglob("*") if path.is_file())
    assert b"4403" not in everything


def test_what_would_have_to_be_sealed_is_refused(desk: Desk) -> None:
    sealed = "  reason: {kind: bytes, sensitivity: sealed, personal: true}\n"
    catalogue.declare(queries.lake_root(), declaration.read(PERMITS + sealed))
    with pytest.raises(Refused, match="people") as refused:
        desk.load(desk.file(permit("B1")))
    assert (refused.value.code, refused.value.value) == ("lake.person_in_clear", "reason")


def test_a_new_column_is_added_and_a_changed_or_lost_one_is_refused_by_name(desk: Desk) -> None:
    desk.load(desk.file(permit("B1")))
    assert catalogue.declare(queries.lake_root(), declaration.read(PERMITS + "  fee: {kind: integer}\n")) == ("fee",)
    for changed in (PERMITS.replace("kind: number", "kind: text"), PERMITS.replace("floor_area", "size")):
        with pytest.raises(Refused, match="floor_area"):
            catalogue.declare(queries.lake_root(), declaration.read(changed))
    desk.load(desk.file(permit("B1", "2026-07-08")))
    (found,) = queries.facts_about("buildings", "B1")
    assert [row["fee"] for row in found.rows] == [None, None]


@pytest.mark.parametrize("bad", ["", "cityloom: 1", "a: [", "cityloom: 1\ndataset: Permits!\ntitle: x\ncolumns: {}"])
def test_a_declaration_that_does_not_fit_is_refused(bad: str) -> None:
    with pytest.raises(Refused, match="does not fit"):
        declaration.read(bad)


def test_facts_come_as_parquet_too(desk: Desk) -> None:
    path = desk.folder / "permits.parquet"
    days = [datetime(2026, 3, 4, 9, 30, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC), None]
    table = pa.table({"building": ["B1", "B2", "B3"], "granted": pa.array(days, pa.timestamp("us", "UTC")),
                      "what": ["R", "N", "R"], "area": [1.5, None, 2.0], "open": ["yes", "no", ""]})  # fmt: skip
    pq.write_table(table, path)
    outcome = desk.load(path, MAPPING.replace("format: csv", "format: parquet"))
    assert [findings for _row, findings, _texts in queries.rows_set_aside(outcome.load)] == [[["at", "required"]]]
    (first,) = queries.facts_about("buildings", "B1")[0].rows
    assert first["at"] == days[0]
    areas = [queries.facts_about("buildings", key)[0].rows[0]["floor_area"] for key in ("B1", "B2")]
    assert areas == [1.5, None]
