"""A department's file comes into a register: whole or not at all, and nothing that was known is overwritten."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from cityloom.gate import actions as gate
from cityloom.gate.models import SealedPart
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.registers import actions, bulk, queries
from cityloom.registers.domain import example
from cityloom.registers.domain.identifiers import credit_code_sign
from cityloom.registers.loading import writing
from cityloom.registers.loading.turn import turn
from cityloom.registers.models import Load, OrganisationRecord, SetAside

pytestmark = pytest.mark.django_db
MAPPING = """\
cityloom: 1
source: market
register: organisations
covers: {covers}
as_of: {as_of}
file: {{format: csv}}
columns:
  code: {{field: code}}
  name: {{field: name}}
  founded: {{field: registered_on}}
  owner: {{field: owner}}
{more}
"""
BOSS = "  boss: {field: representative}"
A_MONDAY = datetime(2026, 11, 2, 8, tzinfo=UTC)


def code(number: int) -> str:
    start = f"91440305MA{number:07d}"
    return start + credit_code_sign(start)


@pytest.fixture(autouse=True)
def at() -> Iterator[clock.DrillClock]:
    with clock.use(clock.DrillClock(A_MONDAY)) as still:
        yield still


@pytest.fixture
def sealed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Packets are numbered, and not sealed; what was erased is gone from the list."""
    kept: list[int] = []
    numbers = itertools.count(1)

    def seal(*, parts: list[bytes], **_: object) -> tuple[list[int], list[bytes]]:
        made = [next(numbers) for _part in parts]
        kept.extend(made)
        return made, [b"#" * len(part) for part in parts]

    def erase(*, packets: list[int], **_: object) -> None:
        SealedPart.objects.filter(packet__in=packets).delete()
        kept[:] = [number for number in kept if number not in packets]

    monkeypatch.setattr(gate, "seal_parts", seal)
    monkeypatch.setattr(gate, "erase_packets", erase)
    return kept


class Desk:
    """A steward's desk: files and mappings, and what became of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, *rows: tuple[str, ...], header: tuple[str, ...] = ("code", "name", "founded", "owner")) -> Path:
        path = self.folder / f"{len(list(self.folder.iterdir()))}.csv"
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([header, *rows])
        return path

    def load(
        self, path: Path, *, covers: str = "changes", more: str = "", as_of: str = "2026-11-01", **over: object
    ) -> actions.Outcome:  # fmt: skip
        text = self.folder / "mapping.yaml"
        text.write_text(MAPPING.format(covers=covers, as_of=as_of, more=more), "utf-8")
        how = {"by": SYSTEM, "at": clock.now()} | over
        return actions.load_file(actions.read_mapping(text), path, **how)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def refused(what: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as caught:
        what()
    return caught.value


def names(key: str = code(1), **how: object) -> list[str]:
    return [fact.values.get("name", "gone") for fact in queries.facts_of("organisations", key, **how)]


def state() -> tuple[int, int, int, int]:
    done = Load.objects.filter(state=Load.DONE).count()
    return OrganisationRecord.objects.count(), SetAside.objects.count(), SealedPart.objects.count(), done


def test_each_fact_knows_its_source_file_row_and_load(desk: Desk) -> None:
    path = desk.file((code(1), "One", "2020-01-02", ""), (code(2), "Two", "", code(1)))
    outcome = desk.load(path)
    (fact,) = queries.facts_of("organisations", code(2))
    assert fact.values == {"name": "Two", "owner": code(1)}
    assert (fact.origin.source, fact.origin.file, fact.origin.load, fact.row) == ("market", path.name, outcome.load, 3)
    assert fact.valid_from == date(2026, 11, 1)


def test_what_was_known_on_a_day_stays_known_for_that_day(desk: Desk, at: clock.DrillClock) -> None:
    desk.load(desk.file((code(1), "Old name", "2020-01-02", "")))
    at.advance(86_400)
    desk.load(desk.file((code(1), "New name", "2020-01-02", "")), as_of="2026-11-03")
    assert names() == ["New name", "Old name"]
    assert names(every=False) == ["New name"]
    assert names(known_at=A_MONDAY + timedelta(hours=1), every=False) == ["Old name"]
    assert names(known_at=A_MONDAY - timedelta(seconds=1)) == []
    facts = queries.facts_of("organisations", code(1))
    assert [fact.values["name"] for fact in queries.said_on(facts, date(2026, 11, 2))] == ["Old name"]


def test_the_same_file_twice_changes_nothing_and_says_so(desk: Desk) -> None:
    path = desk.file((code(1), "One", "", ""), (code(2), "", "", ""))
    first = desk.load(path)
    before = state()
    again = desk.load(path)
    assert (again.is_new, again.load) == (False, first.load)
    assert state() == before


def test_rows_that_say_the_same_in_another_file_are_not_written_again(desk: Desk) -> None:
    desk.load(desk.file((code(1), "One", "", ""), (code(2), "Two", "", "")))
    outcome = desk.load(desk.file((code(2), "Two", "", ""), (code(3), "Three", "", "")))
    assert queries.load_facts(outcome.load).counts == {
        "new": 1, "changed": 0, "unchanged": 1, "gone": 0, "set_aside": 0,
    }  # fmt: skip


def test_what_a_whole_file_does_not_have_is_gone_and_may_come_back(desk: Desk) -> None:
    desk.load(desk.file((code(1), "One", "", ""), (code(2), "Two", "", "")), covers="everything")
    desk.load(desk.file((code(2), "Two", "", "")), covers="everything", as_of="2026-11-10")
    assert names() == ["gone", "One"]
    assert queries.facts_of("organisations", code(1))[0].is_gone
    desk.load(desk.file((code(1), "One", "", ""), (code(2), "Two", "", "")), covers="everything", as_of="2026-11-11")
    assert names(every=False) == ["One"]


BAD = (
    ((code(2)[:-1] + ("0" if code(2)[-1] != "0" else "1"), "Two", "", ""), "code", "checksum"),
    ((code(2), "", "", ""), "name", "required"), ((code(2), "Two", "0000-00-00", ""), "registered_on", "no_such_date"),
    ((code(2), "Two", "02/03/2021", ""), "registered_on", "not_a_date"),
    ((code(2), "Two", "2031-01-01", ""), "registered_on", "future"), ((code(2), "Two"), "", "ragged"),
    ((code(2), "Two", "", "", "more"), "", "ragged"),
    ((code(2), "T\x1b[2Jwo", "", ""), "name", "bad_characters"),
    ((code(2), "x" * 500, "", ""), "name", "too_long"),
)  # fmt: skip


@pytest.mark.parametrize(("row", "field", "rule"), BAD, ids=[f"{field}-{rule}" for _row, field, rule in BAD])
def test_a_bad_row_is_set_aside_and_the_good_ones_are_loaded(
    desk: Desk, row: tuple[str, ...], field: str, rule: str
) -> None:
    outcome = desk.load(desk.file((code(1), "One", "", ""), row, (code(3), "Three", "", "")))
    ((number, findings, _texts),) = queries.rows_set_aside(outcome.load)
    assert (number, findings) == (3, [[field, rule]])
    assert (names(code(1)), names(code(2)), names(code(3))) == (["One"], [], ["Three"])


def test_a_name_on_two_lines_is_a_name_on_one(desk: Desk) -> None:
    desk.load(desk.file((code(1), "One\nand only", "", "")))
    assert names() == ["One and only"]


def test_of_equal_rows_one_is_taken_and_of_contradicting_ones_none(desk: Desk) -> None:
    outcome = desk.load(desk.file(
        (code(1), "One", "", ""), (code(1), "One", "", ""), (code(2), "Two", "", ""), (code(2), "Zwei", "", ""),
    ))  # fmt: skip
    said = {row: findings[0][1] for row, findings, _texts in queries.rows_set_aside(outcome.load)}
    assert said == {3: "repeated_row", 4: "repeated_key", 5: "repeated_key"}
    assert (names(code(1)), names(code(2))) == (["One"], [])


def test_owners_in_a_circle_are_set_aside(desk: Desk) -> None:
    outcome = desk.load(desk.file(
        (code(1), "One", "", code(2)), (code(2), "Two", "", code(3)), (code(3), "Three", "", code(2)),
    ))  # fmt: skip
    assert [row for row, _findings, _texts in queries.rows_set_aside(outcome.load)] == [3, 4]
    assert names(code(1)) == ["One"]


def test_an_owner_that_nobody_knows_is_noted_or_where_asked_set_aside(desk: Desk) -> None:
    desk.load(desk.file((code(1), "One", "", "")))
    path = desk.file((code(2), "Two", "", code(9)), (code(3), "Three", "", code(1)))
    assert dict(desk.load(path).survey.notes) == {("owner", "unknown_reference"): 1}
    strict = desk.load(path, more="rules: [{field: owner, must_refer: true}]")
    assert [row for row, _findings, _texts in queries.rows_set_aside(strict.load)] == [2]


def test_the_mappings_own_rules_set_aside_or_note(desk: Desk) -> None:
    path = desk.file((code(1), "One", "1999-01-01", ""), (code(2), "Two", "", ""))
    rules = "rules: [{field: registered_on, required: true}, {field: name, one_of: [One], level: note}]"
    outcome = desk.load(path, more=rules)
    assert dict(outcome.survey.findings) == {("registered_on", "required"): 1}
    assert dict(outcome.survey.notes) == {("name", "not_allowed"): 1}


def test_a_dry_run_changes_nothing(desk: Desk, tmp_path: Path) -> None:
    path = desk.file((code(1), "One", "", ""), (code(2), "", "", ""))
    text = tmp_path / "dry.yaml"
    text.write_text(MAPPING.format(covers="changes", as_of="2026-11-01", more=""), "utf-8")
    outcome = actions.check_file(actions.read_mapping(text), path, at=clock.now())
    assert (outcome.survey.rows, outcome.survey.bad, state()) == (2, 1, (0, 0, 0, 0))


def test_a_source_that_changes_its_schema_overnight_is_refused_with_a_sentence(desk: Desk) -> None:
    desk.load(desk.file((code(1), "One", "", "")))
    before = state()
    gone = desk.file((code(1), "One", ""), header=("code", "name", "founded"))
    new = desk.file((code(1), "One", "", "", "x"), header=("code", "name", "founded", "owner", "phone"))
    other = desk.file(*((code(n), f"N{n}", "31/12/2020", "") for n in range(30)))
    assert refused(lambda: desk.load(gone)).code == "registers.column_missing"
    assert refused(lambda: desk.load(new)).code == "registers.column_new"
    changed = refused(lambda: desk.load(other))
    assert (changed.code, changed.value) == ("registers.column_changed", "founded")
    assert state() == before


class KilledError(BaseException):
    """The process dies; nothing of it runs any more."""


def cut_short(monkeypatch: pytest.MonkeyPatch, desk: Desk, path: Path, after: int, **how: str) -> None:
    """Load until so many batches are written, and die."""
    write, batches = bulk.write, itertools.count()

    def dies(table: type, columns: dict[str, object]) -> None:
        if table is OrganisationRecord and next(batches) == after:
            raise KilledError
        write(table, columns)

    with monkeypatch.context() as context:
        context.setattr(bulk, "write", dies)
        with pytest.raises(KilledError):
            desk.load(path, **how)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    from cityloom.registers.contrib.csv_file import reader

    monkeypatch.setattr(reader, "batch_for", lambda _columns: 2)


def many(count: int, word: str = "") -> list[tuple[str, ...]]:
    return [(code(n), f"Name {n}{word}" if n % 4 else "", "", "", "Somebody") for n in range(count)]


HEADER = ("code", "name", "founded", "owner", "boss")


def test_a_load_that_is_killed_is_seen_by_nobody_and_goes_on_where_it_was(
    desk: Desk, sealed: list[int], small_batches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.load(desk.file(*many(3), header=HEADER), more=BOSS)
    path = desk.file(*many(9, " again"), header=HEADER)
    cut_short(monkeypatch, desk, path, 2, more=BOSS)
    assert names() == names(every=False) == ["Name 1"]
    assert OrganisationRecord.objects.count() > 2
    outcome = desk.load(path, more=BOSS)
    assert names(every=False) == ["Name 1 again"]
    assert queries.load_facts(outcome.load).counts == {
        "new": 4, "changed": 2, "unchanged": 0, "gone": 0, "set_aside": 3,
    }  # fmt: skip
    assert Load.objects.count() == 2


def test_what_a_killed_load_would_replace_is_found_meanwhile_by_every_look_up(
    desk: Desk, small_batches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    header, places = ("code", "name", "founded", "owner", "x", "y"), "  x: {field: lon}\n  y: {field: lat}"
    old = [(code(n), f"Lan {n}", "", code(3), "114.1", "22.5") for n in (1, 2)]
    new = [(code(n), f"Moved {n}", "", code(4), "114.2", "22.6") for n in (1, 2, 5, 6)]
    desk.load(desk.file(*old, header=header), more=places)
    cut_short(monkeypatch, desk, desk.file(*new, header=header), 1, more=places)
    assert OrganisationRecord.objects.filter(closed_by=2).count() == 2
    assert [row[0] for row in queries.organisations_called("lan", 5)] == [code(1), code(2)]
    assert [row[1] for row in queries.organisations_called(code(1), 5)] == ["Lan 1"]
    assert queries.organisations_called("moved", 5) == []
    assert queries.places_of("organisations", [code(1)]) == {code(1): (114.1, 22.5)}
    assert queries.owners_of("organisations", "tax", [code(1)], lambda _keys: set()) == {code(1): {code(3)}}


def test_what_a_killed_load_wrote_is_taken_back_by_the_next_file(
    desk: Desk, sealed: list[int], small_batches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.load(desk.file(*many(3), header=HEADER), more=BOSS)
    cut_short(monkeypatch, desk, desk.file(*many(9, " again"), header=HEADER), 2, more=BOSS)
    desk.load(desk.file((code(7), "Seven", "", "", "Somebody"), header=HEADER), more=BOSS)
    assert names() == ["Name 1"]
    assert names(code(7)) == ["Seven"]
    assert OrganisationRecord.objects.count() == 3
    assert SealedPart.objects.count() == 3
    assert set(SealedPart.objects.values_list("packet", flat=True)) <= set(sealed)


def test_a_load_that_fails_takes_back_what_it_wrote(
    desk: Desk, small_batches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = desk.file(*(row[:4] for row in many(9)))
    monkeypatch.setattr(writing.Writer, "_count", lambda *_: (_ for _ in ()).throw(Refused("gate.keeper_down", "No.")))
    assert refused(lambda: desk.load(path)).code == "gate.keeper_down"
    assert state() == (0, 0, 0, 0)


def test_a_file_that_changes_while_it_is_read_is_not_loaded(desk: Desk) -> None:
    path = desk.file((code(1), "One", "", ""))

    def grows(step: str, _rows: int) -> None:
        if step == "write":
            path.write_text(path.read_text() + "x")

    assert refused(lambda: desk.load(path, tell=grows)).code == "registers.file_changed"
    assert state() == (0, 0, 0, 0)


def test_two_loads_at_once_are_refused(desk: Desk) -> None:
    path = desk.file((code(1), "One", "", ""))
    with turn():
        assert refused(lambda: desk.load(path)).code == "registers.load_running"
    assert desk.load(path).is_new


def test_people_are_in_no_table_and_their_rows_stay_in_the_file(
    desk: Desk, sealed: list[int], tmp_path: Path
) -> None:
    path = desk.file((code(1), "One", "", "", "李雷雷"), (code(2), "", "", "", "韩梅梅"), header=HEADER)
    outcome = desk.load(path, more=BOSS)
    (fact,) = queries.facts_of("organisations", code(1))
    assert fact.is_sealed
    assert "李雷雷" not in str(fact)
    assert [texts for _row, _findings, texts in queries.rows_set_aside(outcome.load)] == [None]
    place = tmp_path / "out.csv"
    assert refused(lambda: actions.export_set_aside(outcome.load, place)).code == "registers.source_needed"
    other = desk.file((code(1), "One", "", "", ""), header=HEADER)
    wrong = refused(lambda: actions.export_set_aside(outcome.load, place, source=other))
    assert wrong.code == "registers.source_differs"
    assert actions.export_set_aside(outcome.load, place, source=path) == 1
    assert "韩梅梅" in place.read_text("utf-8-sig")
    assert place.stat().st_mode & 0o077 == 0


def test_rows_are_corrected_and_put_back_and_what_is_still_wrong_waits(desk: Desk, tmp_path: Path) -> None:
    outcome = desk.load(desk.file((code(1), "", "", ""), (code(2), "", "", ""), (code(3), "Three", "", "")))
    place = tmp_path / "out.csv"
    actions.export_set_aside(outcome.load, place)
    rows = list(csv.reader(place.open(encoding="utf-8-sig")))
    rows[1][3] = "One"
    with place.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)
    back = actions.put_back(outcome.load, place, by=SYSTEM, at=clock.now())
    assert names() == ["One"]
    (fact,) = queries.facts_of("organisations", code(1))
    assert (fact.row, fact.origin.load) == (2, back.load)
    assert [row for row, _findings, _texts in queries.rows_set_aside(outcome.load)] == [3]
    again = refused(lambda: actions.put_back(outcome.load, place.rename(tmp_path / "b.csv"), by=SYSTEM, at=clock.now()))
    assert again.code == "registers.not_waiting"


def test_what_is_no_export_is_not_put_back(desk: Desk) -> None:
    outcome = desk.load(desk.file((code(1), "", "", "")))
    other = desk.file((code(1), "One", "", ""))
    code_ = refused(lambda: actions.put_back(outcome.load, other, by=SYSTEM, at=clock.now())).code
    assert code_ == "registers.not_an_export"


def test_a_file_of_which_most_is_wrong_is_not_loaded(desk: Desk) -> None:
    path = desk.file(*((code(n % 8), f"N{n}", "", "") for n in range(40)))
    assert refused(lambda: desk.load(path)).code == "registers.too_many_bad"
    assert state() == (0, 0, 0, 0)


def test_organisations_are_found_by_the_beginning_of_their_name_and_by_code(desk: Desk) -> None:
    desk.load(desk.file((code(1), "澜江市甲公司", "", ""), (code(2), "Lan River Ltd", "", "")))
    assert [row[0] for row in queries.organisations_called("澜江", 5)] == [code(1)]
    assert [row[0] for row in queries.organisations_called("lan river", 5)] == [code(2)]
    assert [row[0] for row in queries.organisations_called(code(2).lower(), 5)] == [code(2)]
    assert queries.organisations_called("", 5) == []


def test_the_example_is_profiled_and_loaded_and_exactly_what_was_spoiled_waits(
    tmp_path: Path, sealed: list[int]
) -> None:
    paths = actions.write_example(tmp_path / "example", 300, 5)
    assert refused(lambda: actions.write_example(tmp_path / "example", 300, 5)).code == "registers.folder_exists"
    harmless = {"unknown day", "full-width code, which is read all the same", "loop, which is loaded and noted",
                "loose end, which is loaded and noted"}  # fmt: skip
    for path in paths:
        proposal, how = actions.profile_file(path)
        text = path.with_suffix(".yaml")
        text.write_text(actions.mapping_text(proposal, path.parent.name, path.name, how), "utf-8")
        outcome = actions.load_file(actions.read_mapping(text), path, by=SYSTEM, at=clock.now())
        first = json.loads(path.with_suffix(".truth.jsonl").read_text("utf-8").splitlines()[0])
        assert first["label"] == example.LABEL
        spoiled = {row for kind, rows in first["spoiled"].items() if kind not in harmless for row in rows}
        waiting = {row for row, _findings, _texts in queries.rows_set_aside(outcome.load)}
        assert spoiled <= waiting, path.name
        assert len(waiting - spoiled) <= sum(len(rows) for kind, rows in first["spoiled"].items()
                                              if kind.startswith("another row")), path.name


def test_other_formats_and_registers_come_in_the_same_way(tmp_path: Path) -> None:
    import duckdb
    from openpyxl import Workbook

    parquet, excel, features = tmp_path / "a.parquet", tmp_path / "b.xlsx", tmp_path / "c.geojson"
    duckdb.sql("SELECT 'B1' AS code, 7 AS levels, DATE '2001-02-03' AS built").write_parquet(str(parquet))
    book = Workbook()
    book.active.append(["code", "street", "no"])
    book.active.append(["A1", "Lan Road", 7])
    book.active.append(["A2", "Lan Road", "7 B"])
    book.save(excel)
    point = {"type": "Point", "coordinates": [114.1, 22.5]}
    features.write_text(json.dumps({"features": [{"properties": {"code": "B2"}, "geometry": point}]}))
    for path, register, columns in (
        (parquet, "buildings", "{code: {field: code}, levels: {field: levels}, built: {field: built_on}}"),
        (features, "buildings", "{code: {field: code}, lon: {field: lon}, lat: {field: lat}}"),
        (excel, "addresses", "{code: {field: code}, street: {field: address}, no: {field: house_number}}"),
    ):
        text = tmp_path / f"{path.name}.yaml"
        text.write_text(f"cityloom: 1\nsource: s\nregister: {register}\ncolumns: {columns}\n", "utf-8")
        actions.load_file(actions.read_mapping(text), path, by=SYSTEM, at=clock.now())
    (fact,) = queries.facts_of("buildings", "B1")
    assert fact.values == {"levels": 7, "built_on": date(2001, 2, 3)}
    assert queries.facts_of("buildings", "B2")[0].values == {"lon": 114.1, "lat": 22.5}
    assert queries.facts_of("addresses", "A1")[0].values["house_number"] == "7"
