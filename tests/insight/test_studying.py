"""Questions and tables of studies from files, the study as a folder, and the check that works it again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.utils import translation
from openpyxl import Workbook

from cityloom.insight import actions, queries
from cityloom.insight.domain.study.study import Step, Study
from cityloom.insight.domain.study.tables import table
from cityloom.insight.domain.trends import linear_trend
from cityloom.insight.studies.kinds import InputSpec, kind
from cityloom.insight.studying import checking, folders, inputs, questions, working
from cityloom.insight.studying.working import Origin
from cityloom.kernel.refused import Refused

SPEC = InputSpec("values", "Figures", ("area",), {"pupils": "how many"}, {"type": "of what kind"},
                 words=frozenset({"area", "type"}))  # fmt: skip


def put(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refused(path: Path, spec: InputSpec = SPEC) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        inputs.read(path, spec)
    return caught.value.code, caught.value.sentence


def test_a_line_is_fitted_as_in_the_books() -> None:
    """Draper and Smith's steam data in small: y = 2 + 3 x without noise, and one point off."""
    exact = linear_trend([2000, 2001, 2002, 2003, 2004], [2, 5, 8, np.nan, 14])
    assert (exact.slope, exact.years_used) == (pytest.approx(3), 4)
    line, low, high = linear_trend([1, 2, 3, 4, 5], [1.1, 1.9, 3.2, 3.8, 5.1], 0.95).at([3, 6])
    assert line[0] == pytest.approx(3.02) and low[1] < line[1] < high[1]
    assert high[1] - line[1] > high[0] - line[0]  # farther from what is known is wider
    with pytest.raises(Refused, match="at least 4 years"):
        linear_trend([1, 2, 3, 4], [1, 2, 3, np.nan])


def test_csv_parquet_and_excel_give_the_same_table(tmp_path: Path) -> None:
    rows = [("001", 120, "a"), ("北区", None, "b"), ("c, d", 7.5, "")]
    text = 'area;pupils;type;more\n001;120;a;3\n北区;NA;b;4\n"c, d";7.5;;5\n'
    book = Workbook()
    book.active.append(["area", "pupils", "type", "more"])
    for at, row in enumerate(rows):
        book.active.append([*row, at + 3])
    book.save(tmp_path / "t.xlsx")
    area, pupils, types = zip(*rows, strict=True)
    pq.write_table(pa.table({"area": area, "pupils": pupils, "type": types, "more": [3, 4, 5]}), tmp_path / "t.parquet")
    read = [inputs.read(path, SPEC) for path in (
        put(tmp_path, "t.csv", text), put(tmp_path, "g.csv", text.encode("gb18030")), tmp_path / "t.xlsx",
        tmp_path / "t.parquet")]  # fmt: skip
    assert {one.digest() for one in read} == {read[0].digest()}
    assert read[0]["area"].tolist() == ["001", "北区", "c, d"]
    assert np.isnan(read[0]["pupils"][1]) and read[0]["more"].dtype == np.int64


@pytest.mark.parametrize(("text", "code", "said"), [
    ("area,pupils\nA,12\nB,1 2\n", "insight.no_number", "1 2 is no number (t.csv, line 3, column pupils)"),
    ("area,pupils\nA,12\nB,inf\n", "insight.not_finite", "t.csv, line 3, column pupils"),
    ("area,pupils\nA,1e999\n", "insight.not_finite", "line 2"),
    ("area,pupil\nA,12\n", "insight.column_missing", "t.csv lacks the column pupils"),
    ("area,pupils\nA,1\nB,2\nA,3\n", "insight.row_twice", "The row A is there more than once (t.csv, line 4)"),
    ("area,pupils\n,1\n", "insight.row_unnamed", "area is empty (t.csv, line 2)"),
    ("area,pupils\nA,1,2\n", "insight.input_row", "2 are wanted"),
    ("area,pupils,pupils\nA,1,2\n", "insight.input_header", "pupils stands here twice"),
    ("area,pupils\n", "insight.input_empty", "no rows"),
    ("area,pupils,applicant\nA,1,Li\n", "insight.names_persons", "The column applicant of t.csv names persons"),
    ("area,pupils\nuser 1,1\nuser 2,1\n", "insight.names_persons", "The column area"),
    ("area,pupils,phone\nA,1,13800138000\n", "insight.names_persons", "phone"),
])  # fmt: skip
def test_a_table_that_does_not_fit_is_refused_with_its_place(tmp_path: Path, text: str, code: str, said: str) -> None:
    found = refused(put(tmp_path, "t.csv", text))
    assert found[0] == code and said in found[1]


def test_counts_of_people_and_names_of_places_are_figures(tmp_path: Path) -> None:
    text = "area,pupils,school_name,health_workers,mobile_phones,official_forecast\n31012,1,Hill School,40,88.5,3\n"
    found = inputs.read(put(tmp_path, "t.csv", text), SPEC)
    assert found["health_workers"][0] == 40 and found["school_name"][0] == "Hill School"


def test_files_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused(tmp_path / "gone.csv")[0] == "insight.input_gone"
    assert refused(put(tmp_path, "t.pkl", b"x"))[0] == "insight.input_form"
    assert refused(put(tmp_path, "t.xlsx", b"PK no zip"))[0] == "insight.input_broken"
    assert refused(put(tmp_path, "t.parquet", b"PAR1"))[0] == "insight.input_broken"
    monkeypatch.setattr("cityloom.insight.studying.files.MOST_ROWS", 2)
    assert refused(put(tmp_path, "t.csv", "area,pupils\nA,1\nB,1\nC,1\n"))[0] == "insight.input_large"
    monkeypatch.setattr("cityloom.insight.studying.files.MOST_COLUMNS", 1)
    assert refused(put(tmp_path, "t.csv", "area,pupils\nA,1\n"))[0] == "insight.input_large"


@pytest.mark.parametrize(("text", "code", "said"), [
    ("kind: trend\nquestion:\n  level: 2\n", "insight.question_unfit", "Line 3 of the question does not fit: "
                                                                       "question.level: it is more than 0.99"),
    ("kind: trend\nquestion:\n  levle: 0.8\n", "insight.question_unfit", "did you mean level?"),
    ("kind: trends\n", "insight.no_kind", "trends"),
    ("kind: trend\ninputs:\n  value: a.csv\n", "insight.question_unfit", "did you mean values?"),
    ("question: {}\n", "insight.question_unfit", "it lacks kind"),
    ("kind: [trend\n", "insight.question_unreadable", "not closed"),
    ("kind: &a trend\n", "insight.question_unreadable", "anchors"),
    ("- trend\n", "insight.question_unreadable", "begins with names"),
    ("kind: trend\n" + "# \n" * 400_000, "insight.question_large", "at most 1,048,576 bytes"),
])  # fmt: skip
def test_a_question_that_does_not_fit_is_refused_with_its_line(text: str, code: str, said: str) -> None:
    with pytest.raises(Refused) as caught:
        questions.read(text)
    assert caught.value.code == code and said in caught.value.sentence


def test_a_question_written_is_read_as_it_was() -> None:
    question = {"level": 1e-05, "unit": "pupils: 北", "list": [1, 2.5, "x"], "parts": [{"a": 1, "b": {"c": []}}, "y"],
                "deep": {"more": {"true": "true", "1": None}}}  # fmt: skip
    text = questions.as_text("trend", question, {"values": "v w.csv"})
    from cityloom.kernel import written
    from cityloom.kernel.refused import Detail

    says = written.read(text, begins=Detail("x")).says
    question["deep"]["more"]["1"] = "null"  # type: ignore[index]
    assert says == {"kind": "trend", "question": question, "inputs": {"values": "v w.csv"}}


def test_an_example_is_worked_kept_and_holds(tmp_path: Path) -> None:
    path = working.write_example("trend", tmp_path / "example")
    study = actions.work_study(path=path, folder=tmp_path / "study")
    kept = folders.read(tmp_path / "study")
    assert kept.study.digest() == study.digest() == kept.digest
    assert kept.origins["values"].file == "synthetic-values.csv"
    assert checking.differences(kept) == []
    with translation.override("en"):
        assert "Waste to landfill (kt): 31.9 in 2030" in queries.told_as_text(kept.study)
    actions.work_study(path=path, folder=tmp_path / "study")  # a study gives way to the new one
    assert sorted(one.name for one in tmp_path.iterdir()) == ["example", "study"]
    with pytest.raises(Refused, match="something else than a study"):
        actions.work_study(path=path, folder=tmp_path / "example")


@pytest.mark.parametrize(("file", "old", "new", "where"), [
    ("steps/01-trend.csv", ",12\n", ",13\n", "step trend, row Library visits (thousand), column years"),
    ("inputs/values.csv", ",303\n", ",313\n", "step trend, row Library visits (thousand), column slope"),
    ("study.json", '"level": 0.8', '"level": 0.9', "step trend, given"),
    ("study.json", '"seed": null', '"seed": 5', "step trend, seed"),
    ("study.json", '"code": "one_line"', '"code": "left_out"', "notes"),
])  # fmt: skip
def test_what_was_changed_is_found(tmp_path: Path, file: str, old: str, new: str, where: str) -> None:
    actions.work_study(path=working.write_example("trend", tmp_path), folder=tmp_path / "study")
    path = tmp_path / "study" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    assert where in [one.where for one in checking.of_folder(tmp_path / "study")]


def test_a_folder_keeps_every_digit_and_what_is_not_known(tmp_path: Path) -> None:
    odd = table(("a", "b"), a=["x, \"y\"", "", "线\n2"], b=[1, 2, 3], c=[1 / 3, np.nan, 1e-300], d=[-0.0, 2.0, np.inf])
    study = Study("trend", {"level": 0.8}, {"values": odd}, [Step("one", odd, {"k": [1, 0.5]}, 7)])
    folders.write(tmp_path / "s", study, {"values": Origin("a.csv", "0" * 64)})
    kept = folders.read(tmp_path / "s")
    assert kept.study.digest() == study.digest() and kept.origins == {"values": Origin("a.csv", "0" * 64)}
    head = json.loads((tmp_path / "s/study.json").read_text())
    head["steps"][0]["file"] = "steps/../../other.csv"
    (tmp_path / "s/study.json").write_text(json.dumps(head))
    with pytest.raises(Refused, match="cannot be read any more"):
        folders.read(tmp_path / "s")


def test_a_kind_says_what_it_reads() -> None:
    told = queries.described("trend")
    assert "`value` (numbers): the figure of that year" in told and "at least 0.5, at most 0.99" in told
    assert kind("trend") in queries.study_kinds()
