"""A study from the form to its page, its steps, its ZIP and its memo; and a memo in which something was changed."""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from cityloom.insight import actions, queries
from cityloom.insight.actions import Sent
from cityloom.insight.domain import stages
from cityloom.insight.memos import checking, making
from cityloom.insight.models import StoredStudy
from cityloom.insight.studying import folders, keeping, working
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from tests.insight.conftest import NOW
from tests.insight.test_reviews import signed_in, text

ROWS = [b"Baths,%d,%d\n" % (year, 40 + 2 * (year - 2018)) for year in range(2018, 2026)]
TABLE = b"series,year,value\n" + b"".join(ROWS)
QUESTION = "kind: trend\nquestion:\n  years_ahead: 2\n  unit: thousand\n"


@pytest.mark.django_db
def test_a_question_with_its_table_becomes_a_page(officials: dict[str, Actor], lake: Path) -> None:
    client = signed_in("supervisor")
    assert "Trend of yearly figures" in text(client.get("/insight/studies/"))
    sent = {"question": QUESTION, "name": "Visits to baths", "table-values": SimpleUploadedFile("b a.csv", TABLE)}
    page = client.post("/insight/studies/new/trend/", sent).headers["Location"]
    assert "waiting for its turn" in text(client.get(page))
    assert queries.is_any_study_open()
    assert actions.do_studies(by=SYSTEM) == 1
    shown = text(client.get(page))
    assert "Baths: " in shown and ">58.0 thousand</a> in 2027" in shown
    assert "b_a.csv" in shown and '<polygon class="s1 band"' in shown
    row = StoredStudy.objects.get()
    assert (row.state, row.name, row.done) == (stages.DONE, "Visits to baths", 0)
    assert not keeping.sent_for(row.id).exists()
    _its_step(client, page, shown)
    _to_take_away(client, page)
    assert "年度数字的趋势" in text(client.get("/insight/studies/", headers={"accept-language": "zh-hans"}))


def _its_step(client: Client, page: str, shown: str) -> None:
    link = re.search(r'href="([^"]*/steps/years/\?row=Baths&amp;row=2027&amp;column=line#here)"', shown)
    assert link
    step = text(client.get(link[1].replace("&amp;", "&")))
    assert 'id="here" class="here number" aria-current="true">58.0' in step and "not known" in step
    assert text(client.get(f"{page}steps/years/?sort=-year")).index("2027") < text(client.get(f"{page}steps/years/"
                                                                                               )).index("2027")
    saved = b"".join(client.get(f"{page}steps/years/?form=csv").streaming_content)  # type: ignore[attr-defined]
    assert saved.startswith(b'"series","year"') and saved.count(b"\n") == 11
    assert client.get(f"{page}steps/other/").status_code == 404


def _to_take_away(client: Client, page: str) -> None:
    whole = b"".join(client.get(f"{page}zip/").streaming_content)  # type: ignore[attr-defined]
    path = keeping.folder() / "taken.zip"
    path.write_bytes(whole)
    assert queries.differences_in(path) == []
    memo = b"".join(client.get(f"{page}memo/?question=Room%3F").streaming_content)  # type: ignore[attr-defined]
    path.write_bytes(memo)
    assert queries.differences_in(path) == []
    assert "memo.en.pdf" in zipfile.ZipFile(io.BytesIO(memo)).namelist()
    assert client.get(f"{page}memo/").status_code >= 400


@pytest.mark.django_db
def test_what_cannot_be_worked_says_why(officials: dict[str, Actor], lake: Path) -> None:
    client = signed_in("supervisor")
    new = "/insight/studies/new/trend/"
    wrong = client.post(new, {"question": "kind: trend\nquestion:\n  level: 3\n"})
    assert wrong.status_code == 422 and "No file was sent for the table values" in text(wrong)
    file = SimpleUploadedFile("t.csv", b"series,year,value\nA,2020,x\n")
    wrong = client.post(new, {"question": "kind: trend\nquestion:\n  level: 3\n", "table-values": file})
    assert "Line 3 of the question does not fit" in text(wrong) and "level: 3" in text(wrong)
    file.seek(0)
    page = client.post(new, {"question": QUESTION, "table-values": file}).headers["Location"]
    actions.do_studies(by=SYSTEM)
    assert "x is no number (values.csv, line 2, column value)" in text(client.get(page))
    assert client.get(f"{page}zip/").status_code >= 400
    assert "Studies are asked for by" in text(signed_in("clerk").get(new))
    with pytest.raises(Refused, match="asked for by supervisors"):
        actions.ask_for_study(sent=Sent("trend", is_example=True), by=officials["clerk"], at=NOW)


@pytest.mark.django_db
def test_studies_wait_are_cancelled_and_let_go(officials: dict[str, Actor], lake: Path) -> None:
    by, sent = officials["supervisor"], Sent("trend", is_example=True)
    keys = [actions.ask_for_study(sent=sent, by=by, at=NOW) for _ in range(stages.MOST_OPEN)]
    with pytest.raises(Refused, match="studies wait already"):
        actions.ask_for_study(sent=sent, by=by, at=NOW)
    for key in keys[1:]:
        actions.cancel_study(study_id=key, by=by, at=NOW)
    assert actions.do_studies(by=SYSTEM) == 1
    made = actions.make_memo(study=queries.folder_of_study(keys[0]), question="Room?", out=lake / "m.zip", in_city=True)
    assert made.numbers > 100
    assert "made-up figures" in text(signed_in("supervisor").get(f"/insight/studies/{keys[0]}/"))
    row = keeping.next_one(NOW)
    assert row is None
    later = NOW + stages.KEPT + timedelta(days=800)
    actions.ask_for_study(sent=sent, by=by, at=later)
    assert not keeping.folder_of(keys[0]).exists() and StoredStudy.objects.count() == 1
    taken = keeping.next_one(later)
    assert taken is not None and queries.is_work_to_stop(later + stages.LONGEST)
    assert keeping.next_one(later + stages.LONGEST) is None  # it took too long
    assert StoredStudy.objects.get().refusal["code"] == "insight.study_late"


@pytest.fixture(scope="module")
def memo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("memo")
    done = working.of_file(working.write_example("trend", folder))
    folders.write(folder / "study", done.study, done.origins)
    making.make(folder / "study", "Do libraries need more room?", folder / "memo")
    return folder / "memo"


def test_a_memo_holds_and_says_where_its_numbers_are_from(memo: Path) -> None:
    assert checking.differences(memo) == []
    head = json.loads((memo / "memo.json").read_text())
    first = next(one for one in head["numbers"] if one["column"] == "line")
    assert (first["step"], first["row"], first["column"]) == ("years", ["Library visits (thousand)", "2030"], "line")
    assert first["text"] == {"en": "481.5", "zh-hans": "481.5"} and "之间" in first["sentence"]["zh-hans"]
    assert (memo / "memo.en.pdf").read_bytes().startswith(b"%PDF")
    page = (memo / "memo.html").read_text()
    assert 'href="study/steps/02-years.csv#row=Library+visits' in page and "made-up" in page
    assert "<script" not in page and "url(" not in page and "@import" not in page


def swap(path: Path, old: str, new: str) -> None:
    whole = path.read_text()
    assert old in whole
    path.write_text(whole.replace(old, new, 1))


def seal(memo: Path) -> None:
    """Write the digests of page and papers anew, as somebody would who wants to hide a change."""
    import hashlib

    head = json.loads((memo / "memo.json").read_text())
    head["files"] = {name: hashlib.sha256((memo / name).read_bytes()).hexdigest() for name in head["files"]}
    (memo / "memo.json").write_text(json.dumps(head))


def a_number(memo: Path) -> None:
    for name in ("memo.json", "memo.html"):  # everywhere, so that they agree
        whole = (memo / name).read_text().replace("481.5", "491.5")
        (memo / name).write_text(whole)
    seal(memo)


def a_number_of_the_page(memo: Path) -> None:
    swap(memo / "memo.html", ">481.5<", ">491.5<")
    seal(memo)


def the_paper(memo: Path) -> None:
    path = memo / "memo.en.pdf"
    path.write_bytes(path.read_bytes().replace(b"%PDF-1.7", b"%PDF-1.6"))
    seal(memo)


def a_step(memo: Path) -> None:
    path = memo / "study/steps/02-years.csv"
    path.write_text(re.sub(r'("Library visits \(thousand\)",2030,,)481\.', r"\g<1>491.", path.read_text()))


@pytest.mark.parametrize(("change", "where"), [
    (a_number, "number 3 in “Library visits (thousand): 491.5 in 2030"),
    (a_number_of_the_page, "memo.html, en, steps/02-years.csv#row=Library+visits+%28thousand%29&row=2030&column=line"),
    (lambda memo: swap(memo / "memo.html", " in 2030, ", " in 2020, "), "memo.html, en, sentence 1"),
    (lambda memo: swap(memo / "memo.json", "Waste to landfill (kt): ", "Waste to air: "), "memo.json, number 5"),
    (the_paper, "memo.en.pdf"),
    (lambda memo: swap(memo / "study/inputs/values.csv", ",303\n", ",313\n"), "number 1 in “Library visits"),
    (a_step, "step years, row Library visits (thousand) / 2030, column line"),
    (lambda memo: swap(memo / "study/study.json", '"seed": null', '"seed": 1'), "step trend, seed"),
    (lambda memo: swap(memo / "study/study.json", '"years_ahead": 5', '"years_ahead": 4'), "number 1"),
    (lambda memo: swap(memo / "memo.json", "Do libraries", "Why do libraries"), "memo.en.pdf"),
])  # fmt: skip
def test_a_change_is_found_and_named(memo: Path, tmp_path: Path, change: Callable[[Path], None], where: str) -> None:
    shutil.copytree(memo, tmp_path / "memo")
    change(tmp_path / "memo")
    found = [one.where for one in checking.differences(tmp_path / "memo", most=400)]
    assert any(one.startswith(where) for one in found), found[:5]


def test_what_is_no_memo_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(bad, "w") as archive:
        archive.writestr("study/../../evil.csv", "x")
    for path in (bad, tmp_path / "none.zip"):
        with pytest.raises(Refused, match="is no memo or study"):
            queries.differences_in(path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/memo.json").write_text('{"form": "other"}')
    with pytest.raises(Refused, match="make it anew"):
        queries.differences_in(tmp_path / "broken")
