"""What departments send by mistake or with intent: a sentence for each, and nothing half-written."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import duckdb
import pytest
from django.conf import settings
from django.db import DatabaseError, connection
from hypothesis import given
from hypothesis import strategies as st

from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.registers import actions, bulk, plugins, queries
from cityloom.registers.domain import mapping as mappings
from cityloom.registers.domain.ownership import cyclic, cyclic_with
from cityloom.registers.domain.tables import Wanted
from cityloom.registers.loading import turn
from cityloom.registers.loading.turn import turn as taken
from tests.registers.test_department_files import MAPPING, Desk, code, desk, names, refused, sealed, state  # noqa: F401
from tests.registers.test_disagreements import load

pytestmark = pytest.mark.django_db


def set_aside(number: int) -> list[tuple[int, list[list[str]]]]:
    return [(row, findings) for row, findings, _texts in queries.rows_set_aside(number)]


def test_a_circle_of_owners_that_a_second_file_closes_is_set_aside(desk: Desk) -> None:  # noqa: F811
    load(desk, "market", (code(1), "One", "", code(2)), (code(2), "Two", "", code(3)))
    number = load(desk, "market", (code(3), "Three", "", code(1)), (code(4), "Four", "", code(1)))
    assert set_aside(number) == [(2, [["owner", "cycle"]])]
    assert (names(code(3)), names(code(4))) == ([], ["Four"])


def test_a_circle_of_owners_across_sources_is_set_aside(desk: Desk) -> None:  # noqa: F811
    load(desk, "market", (code(1), "One", "", code(2)), (code(2), "Two"))
    assert set_aside(load(desk, "tax", (code(2), "Two", "", code(1)))) == [(2, [["owner", "cycle"]])]


def test_a_file_that_takes_a_circle_apart_is_loaded(desk: Desk) -> None:  # noqa: F811
    load(desk, "market", (code(1), "One", "", code(2)))
    assert set_aside(load(desk, "market", (code(1), "One"), (code(2), "Two", "", code(1)))) == []
    assert set_aside(load(desk, "market", (code(1), "One", "", code(1)))) == [(2, [["owner", "cycle"]])]


KEYS = st.sampled_from("abcdef")


@given(st.dictionaries(KEYS, KEYS), st.dictionaries(KEYS, st.sets(KEYS, max_size=2)))
def test_circles_through_what_is_known_are_those_that_a_walk_finds(
    owner_of: dict[str, str], known: dict[str, set[str]]
) -> None:
    def owners(key: str) -> set[str]:
        return known.get(key, set()) | ({owner_of[key]} if key in owner_of else set())

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        ahead = {start}
        while ahead - seen:
            seen |= ahead
            ahead = {owner for key in ahead for owner in owners(key)}
        return seen

    found = cyclic_with(owner_of, lambda keys: {key: known[key] for key in keys if key in known})
    for key, owner in owner_of.items():
        assert (key in found) == (key in reached(owner)), key
    assert cyclic(owner_of) <= found


HEADERS = (
    ("name", "code", "owner", "founded"), ("code", "name", "founded", "owner", "boss"),
    ("code", "title", "founded", "owner"), ("code", "name", "founded"),
)  # fmt: skip


def test_a_schema_that_changed_overnight_is_refused_unless_only_the_order_did(desk: Desk) -> None:  # noqa: F811
    for header, wanted in zip(HEADERS, ("", "column_new", "column_missing", "column_missing"), strict=True):
        row = {"code": code(1), "name": "One", "title": "One", "founded": "2020-01-02", "owner": "", "boss": "x"}
        path = desk.file(tuple(row[name] for name in header), header=header)
        if wanted:
            assert refused(lambda path=path: desk.load(path)).code == f"registers.{wanted}"
        else:
            desk.load(path)
    assert names() == ["One"]
    changed = desk.file(*((code(number), "Name", "43466", "") for number in range(1, 40)))
    assert refused(lambda: desk.load(changed)).code == "registers.column_changed", "days as a spreadsheet counts them"
    assert names() == ["One"]


BOMBS = (
    "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b]",
    "cityloom: !!python/object/apply:os.system ['true']", "[" * 5_000, "{a: " * 3_000, "x: " + "y" * 600_000,
    "a: 1\na: 2", "\0", "- 1\n- 2", "", "%YAML 9.9\n---\na: 1", "? [a, b]\n: 1", "a: *nowhere", "\ufeff\ufeff: x",
    "source: \ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
)  # fmt: skip


@pytest.mark.parametrize("text", BOMBS, ids=range(len(BOMBS)))
def test_no_mapping_bursts_or_runs(text: str) -> None:
    with pytest.raises(Refused) as told:
        mappings.read(text)
    assert told.value.code.startswith("registers.mapping_")
    assert len(told.value.sentence) < 1_000


def parquet(path: Path, question: str = "SELECT i AS code, 'n' || i AS name FROM range(54321) t(i)") -> bytes:
    duckdb.execute(f"COPY ({question}) TO '{path}' (FORMAT parquet)")
    return path.read_bytes()


def varint(number: int) -> bytes:
    """A 64-bit integer as Thrift's compact protocol writes it."""
    number, out = number << 1, bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def claiming(content: bytes, rows: int, claimed: int) -> bytes:
    """A file whose footer says that it has other numbers of rows than it has."""
    length = int.from_bytes(content[-8:-4], "little")
    footer = content[-8 - length : -8]
    assert varint(rows) in footer
    lying = footer.replace(varint(rows), varint(claimed))
    return content[: -8 - length] + lying + len(lying).to_bytes(4, "little") + b"PAR1"


def rows_in(path: Path) -> int:
    return sum(len(batch.numbers) for batch in plugins.open_table(path, Wanted()).batches())


def test_parquet_that_claims_a_billion_rows_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "lie.parquet"
    path.write_bytes(claiming(parquet(path), 54_321, 1_000_000_000))
    assert refused(lambda: rows_in(path)).code == "registers.file_bomb"
    path.write_bytes(claiming(parquet(path), 54_321, 100_000_000))
    assert refused(lambda: rows_in(path)).code in ("registers.file_broken", "registers.file_bomb")


@pytest.mark.parametrize("damage", ["footer", "length", "end", "middle", "start"])
def test_damaged_parquet_is_refused_and_gives_no_wrong_rows(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "broken.parquet"
    whole = bytearray(parquet(path))
    length = int.from_bytes(whole[-8:-4], "little")
    if damage == "length":
        whole[-8:-4] = (2**31 - 1).to_bytes(4, "little")
    places = {"footer": slice(-8 - length, -8 - length // 2), "end": slice(len(whole) // 2, None),
              "middle": slice(200, 60_000), "start": slice(0, 4)}  # fmt: skip
    if damage in places:
        whole[places[damage]] = b"" if damage == "end" else b"\xa5" * len(whole[places[damage]])
    path.write_bytes(bytes(whole))
    assert refused(lambda: rows_in(path)).code in ("registers.file_broken", "registers.file_unknown")


def test_nested_columns_hold_nothing_and_stop_nothing(tmp_path: Path) -> None:
    path = tmp_path / "nested.parquet"
    parquet(path, "SELECT 1 AS code, [1, 2] AS list, {'a': 1} AS row, MAP {'k': 'v'} AS map, 'ab'::BLOB AS bytes")
    table = plugins.open_table(path, Wanted())
    assert [batch.texts for batch in table.batches()] == [[["1", "", "", "", ""]]]


@pytest.mark.parametrize("error", [
    OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EDQUOT, "Disk quota exceeded"),
    DatabaseError("database or disk is full"), sqlite3.OperationalError("database or disk is full"),
], ids=range(4))  # fmt: skip
def test_a_full_disk_is_one_sentence_and_the_next_load_is_whole(
    desk: Desk, error: Exception, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    desk.load(desk.file((code(1), "One", "", "")))
    path = desk.file((code(1), "New", "", ""), (code(2), "Two", "", ""))
    before = state()
    with monkeypatch.context() as full:
        full.setattr(bulk, "write", lambda *_: (_ for _ in ()).throw(error))
        assert refused(lambda: desk.load(path)).code == "registers.disk_full"
    assert (state(), names()) == (before, ["One"])
    desk.load(path)
    assert (names(every=False), names(code(2))) == (["New"], ["Two"])


def test_a_file_that_is_taken_away_while_it_is_read_is_not_loaded(
    desk: Desk, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    path = desk.file((code(1), "One", "", ""))
    told = refused(lambda: desk.load(path, tell=lambda step, _rows: step == "write" and path.unlink(missing_ok=True)))
    assert told.code == "registers.file_changed"
    assert (names(), refused(lambda: desk.load(path)).code) == ([], "registers.file_missing")


def test_a_change_that_hides_behind_an_old_date_is_seen(desk: Desk) -> None:  # noqa: F811
    import os

    path = desk.file((code(1), "One", "", ""))
    kept = path.stat()

    def rewritten(step: str, _rows: int) -> None:
        if step == "write":
            path.write_text(path.read_text("utf-8").replace("One", "Two"), "utf-8")
            os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))

    assert refused(lambda: desk.load(path, tell=rewritten)).code == "registers.file_changed"
    assert names() == []


@pytest.mark.parametrize("name", ["a\x1b[2J.csv", "a\n.csv", "a\udcff.csv", "\u202egnp.csv", "x" * 230 + ".csv"])
def test_a_hostile_name_is_kept_as_it_can_be_shown(desk: Desk, name: str, tmp_path: Path) -> None:  # noqa: F811
    path = tmp_path / name
    path.write_bytes(desk.file((code(1), "One", "", "")).read_bytes())
    desk.load(path)
    (fact,) = queries.facts_of("organisations", code(1))
    assert fact.origin.file.isprintable()
    assert 0 < len(fact.origin.file) <= 200


def test_another_machine_that_loads_keeps_this_one_waiting(desk: Desk) -> None:  # noqa: F811
    path = desk.file((code(1), "One", "", ""))
    if connection.vendor != "postgresql":
        with taken():
            assert refused(lambda: desk.load(path)).code == "registers.load_running"
        return
    import hashlib

    import psycopg

    name = f"cityloom load {settings.CITYLOOM['CITY_ID']}".encode()
    number = int.from_bytes(hashlib.sha256(name).digest()[:8], "big", signed=True)
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [number])
        assert refused(lambda: desk.load(path)).code == "registers.load_running"
    desk.load(path)
    assert names() == ["One"]
    assert turn.turn is taken


def test_what_is_no_file_is_told(desk: Desk, tmp_path: Path) -> None:  # noqa: F811
    text = tmp_path / "m.yaml"
    text.write_text(MAPPING.format(covers="changes", as_of="2026-11-01", more=""), "utf-8")
    mapping = actions.read_mapping(text)
    for path in (tmp_path, tmp_path / "nothing", None):
        for act in (lambda path=path: actions.load_file(mapping, path, by=SYSTEM, at=clock.now()),
                    lambda path=path: actions.check_file(mapping, path, at=clock.now())):  # fmt: skip
            assert refused(act).code == "registers.file_missing"
