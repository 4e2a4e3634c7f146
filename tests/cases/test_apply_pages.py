"""Applying on the pages: without an account, at the counter, decided at once, reviewed, decided by a person."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from cityloom.cases import queries
from cityloom.cases.approving import applying, deciding
from cityloom.cases.listing import cases as opened
from cityloom.cases.listing import decisions as told
from cityloom.cases.models import Case, CaseDecision
from cityloom.kernel.actor import Actor
from tests.cases.conftest import OpenKeeper
from tests.cases.test_approvals import TABLE
from tests.cases.test_case_pages import page, signed_in

pytestmark = pytest.mark.django_db
PARKING = {"answer-parking_area": "city/d01/s01/c01", "answer-lives_there": "true", "answer-cars": "1",
           "answer-plate": "B<b>1", "answer-name": "Li <script>Na"}  # fmt: skip
FELL = {"answer-species": "fruit", "answer-girth_cm": "40", "answer-replanted": "false", "answer-nests": "false",
        "answer-where": "Bay Road 1", "answer-name": "Li Na"}  # fmt: skip


@pytest.fixture(autouse=True)
def sealing(keeper: OpenKeeper, monkeypatch: pytest.MonkeyPatch) -> None:
    for room in (applying, deciding):
        monkeypatch.setattr(room.gate, "seal_texts", keeper.seal_texts)
    for room in (told, opened):
        monkeypatch.setattr(room.gate, "open_texts", lambda **said: [None] * len(said["sealed"]))


def said(client: Client, address: str, **sent: Any) -> tuple[int, str]:
    answer = client.post(address, sent, follow=True) if sent else client.get(address)
    return answer.status_code, answer.content.decode()


def test_without_an_account_one_fills_in_checks_and_sends(officials: dict[str, Actor]) -> None:
    client, here = Client(), "/apply/permit/resident-parking/"
    assert "often decided at once" in said(client, "/apply/")[1]
    status, form = said(client, here)
    assert status == 200 and "If you sign in as a resident" in form and "I agree" not in form
    status, wrong = said(client, here, do="check", **PARKING | {"answer-cars": "many"})
    assert (status, "does not fit" in wrong, "Li &lt;script&gt;Na" in wrong) == (422, True, True)
    status, checked = said(client, here, do="check", **PARKING)
    assert status == 200 and "Nothing is sent yet" in checked and "<script>Na" not in checked
    assert "Li &lt;script&gt;Na" in said(client, here, do="change", **PARKING)[1]
    assert said(client, here, do="fill", **PARKING)[0] == 404  # nobody is signed in
    status, done = said(client, f"{here}files/", proof="forged", **PARKING)
    assert status == 200 and "Your application has come in" in done and "a person decides" in done
    assert CaseDecision.objects.get().result == ""
    code = re.search(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){4}", done)
    assert code is not None
    assert "Withdraw the application" in said(client, "/apply/code/", code=code[0].lower())[1]
    assert said(client, "/apply/code/", code="0" * 20)[0] == 422
    for address in ("/apply/permit/moon/", "/apply/request/noise/", f"/apply/code/{'0' * 20}/", "/apply/code/x/"):
        assert client.get(address).status_code == 404
    assert "withdrawn" in said(client, f"/apply/code/{code[0]}/withdraw/", words="No car any more")[1]
    assert said(client, f"/apply/code/{code[0]}/certificate/")[0] == 404


def test_at_the_counter_it_is_granted_at_once_printed_and_reviewed(officials: dict[str, Actor]) -> None:
    here = "/apply/permit/tree-felling/"
    assert "on behalf of somebody" in page("clerk", here).content.decode()
    done = page("clerk", f"{here}files/", **FELL)
    text, case = done.content.decode(), Case.objects.get()
    assert done.redirect_chain[-1][0] == f"/cases/{case.id}/" and case.result == "granted"
    assert "Give the applicant this code" in text
    assert "needs no other tree instead" in text and "version 1, row 1" in text
    assert "Reference" in page("clerk", f"/cases/{case.id}/certificate/").content.decode()
    pdf = page("clerk", f"/cases/{case.id}/certificate/?as=pdf")
    assert (pdf["Content-Type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    client = signed_in("clerk")
    client.cookies["django_language"] = "zh-hans"
    assert "无需补种" in client.get(f"/cases/{case.id}/certificate/").content.decode()


def test_an_official_decides_on_a_page_of_its_own_and_keeps_what_was_written(officials: dict[str, Actor]) -> None:
    page("clerk", "/apply/permit/tree-felling/files/", **FELL | {"answer-girth_cm": "90"})
    case = Case.objects.get()
    here = f"/cases/{case.id}/decide/"
    assert "not where it could be decided" in page("supervisor", here).content.decode()
    page("clerk", f"/cases/{case.id}/step/", step="take-on")
    shown = page("clerk", f"/cases/{case.id}/").content.decode()
    assert "/decide/" in shown and 'value="decide"' not in shown  # a page of its own, no button
    assert "named official" in page("clerk", here).content.decode()
    bare = page("supervisor", here, result="refused", words="<b>Too thick</b>", seen="2")
    assert bare.status_code == 409
    assert "&lt;b&gt;Too thick" in bare.content.decode() and "at least one ground" in bare.content.decode()
    sent = {"result": "refused", "words": "Too thick", "ground": "tree-worth-keeping", "seen": "2"}
    assert "Decided." in page("supervisor", here, **sent).content.decode()
    assert [one.result for one in queries.decisions_of(case.id)] == ["", "refused"]
    assert page("clerk", f"/cases/{case.id}/certificate/").status_code == 404


def test_a_table_is_looked_at_published_tried_and_withdrawn_on_its_pages(officials: dict[str, Actor]) -> None:
    assert "Publish this table" not in page("clerk", "/case-rules/", text=TABLE).content.decode()
    assert page("clerk", "/case-rules/", text=TABLE, do="publish").status_code == 422
    assert "Publish this table" in page("steward", "/case-rules/", text=TABLE).content.decode()
    refused = page("steward", "/case-rules/", text=TABLE.replace('"granted"', '"refused"'), do="publish")
    assert "may only grant" in refused.content.decode() and "refused" in refused.content.decode()
    bomb = SimpleUploadedFile("t.dmn", b"<a>" * 600_000)
    assert page("steward", "/case-rules/", file=bomb, do="publish").status_code == 422
    done = page("steward", "/case-rules/", text=TABLE, do="publish")
    here = "/case-rules/permit-tree-felling/2/"
    assert done.redirect_chain[-1][0] == here and "Withdraw this version" in done.content.decode()
    status, read = said(Client(), f"{here}?try=1&in-girth_cm=31")
    assert status == 200 and "Girth at breast height: at most 30 cm" in read and "Withdraw this" not in read
    assert "A thin tree." in said(Client(), f"{here}?try=1&in-girth_cm=20")[1]
    assert "does not fit" in said(Client(), f"{here}?try=1&in-girth_cm=thick")[1]
    assert said(Client(), "/case-rules/permit-tree-felling/9/")[0] == 404
    gone = page("steward", f"{here}withdraw/", why="Thin trees are trees").content.decode()
    assert "Thin trees are trees" in gone and "Withdraw this version" not in gone
    assert "A thin tree." in said(Client(), here)[1]  # what decided stays readable
