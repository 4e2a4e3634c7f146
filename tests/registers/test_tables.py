"""Departments' files as they come: in any encoding, ragged, broken, or made to burst."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from cityloom.kernel.refused import Refused
from cityloom.registers import plugins
from cityloom.registers.contrib.csv_file.reader import encoding_of
from cityloom.registers.domain.tables import Rows, Wanted

TEXT = "代码,名称\r\n1,澜江市甲公司\r\n2,乙\r\n"


def rows_of(path: Path, **wanted: str) -> list[Rows]:
    return list(plugins.open_table(path, Wanted(**wanted)).batches())


def refusal(path: Path, **wanted: str) -> str:
    with pytest.raises(Refused) as refused:
        rows_of(path, **wanted)
    return refused.value.code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
def test_the_encoding_is_found_out(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(TEXT.encode(encoding))
    table = plugins.open_table(path, Wanted())
    assert table.header == ("代码", "名称")
    (batch,) = table.batches()
    assert batch.texts == [["1", "澜江市甲公司"], ["2", "乙"]]
    assert batch.numbers == [2, 3]
    assert batch.faults == {}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_separator_is_found_out(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"a{delimiter}b\n1{delimiter}2\n")
    assert rows_of(path)[0].texts == [["1", "2"]]


@given(st.binary(max_size=400))
def test_any_bytes_have_an_encoding_or_are_refused(content: bytes) -> None:
    try:
        assert encoding_of(content, "a.csv") in ("utf-8", "gb18030", "utf-16", "utf-16-le", "utf-16-be")
    except Refused as refused:
        assert refused.code == "registers.encoding_unknown"


def test_a_row_in_another_encoding_is_marked_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("代码,名称\n1,甲\n".encode() + "2,乙公司\n".encode("gb18030") + "3,丙\n4,\0\n".encode())
    (batch,) = rows_of(path, encoding="utf-8")
    assert batch.faults == {1: "bad_characters", 3: "bad_characters"}
    assert batch.texts[2] == ["3", "丙"]


def test_a_quotation_mark_that_is_never_closed_is_refused_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('a,b\n1,2\n3,"4\n' + "5,6\n" * 60_000)
    with pytest.raises(Refused) as refused:
        rows_of(path)
    assert refused.value.code == "registers.file_broken"
    assert "row 2" in refused.value.sentence


def test_wide_rows_are_read_in_smaller_batches(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\n".join(",".join(f"{row}-{n}" for n in range(900)) for row in range(1_001)))
    assert max(len(batch.numbers) for batch in rows_of(path)) < 1_000


@pytest.mark.parametrize(("name", "content", "code"), [
    ("a.csv", b"", "registers.file_empty"),
    ("a.csv", b"\n\n", "registers.no_header"),
    ("a.csv", b"a,a\n1,2\n", "registers.header_twice"),
    ("a.csv", b",".join(b"c%d" % n for n in range(1_000_000)) + b"\n", "registers.too_many_columns"),
    ("a.csv", b"x" * 6_000_000, "registers.too_many_columns"),
    ("a.csv", b"PK\x03\x04", "registers.file_unknown"),
    ("a.csv", b"\xff\xff\xff,\xff\n", "registers.encoding_unknown"),
    ("a.parquet", b"PAR1xxxxPAR1", "registers.file_broken"),
    ("a.xlsx", b"PK\x03\x04 and nothing else", "registers.file_broken"),
    ("a.geojson", b'{"features": [', "registers.file_broken"),
    ("a.geojson", b'{"features": []}', "registers.no_header"),
    ("a.pdf", b"%PDF-1.7", "registers.file_unknown"),
], ids=lambda value: value if isinstance(value, str) else "")  # fmt: skip
def test_what_is_no_table_is_refused_with_a_sentence(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert refusal(path) == code


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nothing.csv") == "registers.file_missing"


def workbook(path: Path, rows: list[list[object]]) -> None:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)


def test_a_workbook_is_read_as_texts(tmp_path: Path) -> None:
    from datetime import date

    path = tmp_path / "a.xlsx"
    workbook(path, [["代码", "日期", "面积"], ["001", date(2021, 2, 3), 12.0], [None, None, None], ["002", None, 1.5]])
    (batch,) = rows_of(path)
    assert batch.texts == [["001", "2021-02-03", "12"], ["002", "", "1.5"]]
    assert batch.numbers == [2, 4]
    assert refusal(path, sheet="Other") == "registers.no_sheet"


def test_a_workbook_that_would_burst_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    workbook(path, [["a"], ["1"]])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet2.xml", b" " * (70 << 20))
    assert refusal(path) == "registers.file_bomb"


def test_a_workbook_with_entities_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("xl/sharedStrings.xml", '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    assert refusal(path) == "registers.file_broken"


def test_parquet_is_read_as_texts(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    duckdb.sql("SELECT '007' AS code, DATE '2021-02-03' AS day, NULL::INT AS nothing, [1, 2] AS list"
               ).write_parquet(str(path))  # fmt: skip
    (batch,) = rows_of(path)
    assert batch.texts == [["007", "2021-02-03", "", ""]]


def test_parquet_that_would_burst_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cityloom.registers.contrib.parquet_file import table

    path = tmp_path / "a.parquet"
    duckdb.sql("SELECT 'x' AS code FROM range(1000)").write_parquet(str(path))
    monkeypatch.setattr(table, "MOST_ROWS", 999)
    assert refusal(path) == "registers.file_bomb"


def test_parquet_reads_that_one_file_alone(tmp_path: Path) -> None:
    from cityloom.registers.contrib.parquet_file.table import ParquetTable

    path, other = tmp_path / "a.parquet", tmp_path / "b.parquet"
    for each in (path, other):
        duckdb.sql("SELECT 1 AS code").write_parquet(str(each))
    with ParquetTable(path, Wanted())._connection() as connection, pytest.raises(duckdb.Error):
        connection.execute("SELECT * FROM read_parquet(?)", [str(other)])


def test_features_are_read_with_their_place(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    square = [[[114, 22], [114.2, 22], [114.2, 22.2], [114, 22.2], [114, 22]]]
    features = [
        {"properties": {"code": "1", "floors": 3}, "geometry": {"type": "Point", "coordinates": [114.1, 22.5]}},
        {"properties": {"code": "2"}, "geometry": {"type": "Polygon", "coordinates": square}},
        {"properties": None, "geometry": {"type": "Nonsense"}}, 7,
    ]  # fmt: skip
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    (batch,) = rows_of(path)
    assert batch.texts[0] == ["1", "3", "114.1", "22.5", "POINT (114.1 22.5)"]
    assert batch.texts[1][:4] == ["2", "", "114.1", "22.1"]
    assert batch.texts[1][4].startswith("POLYGON ((114 22, ")
    assert batch.texts[2][2:] == ["", "", '{"type":"Nonsense"}']
    assert batch.faults == {3: "ragged"}
