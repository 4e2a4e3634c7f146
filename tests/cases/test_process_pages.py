"""Processes and tasks on their pages: uploaded or refused with the findings, drawn, done, tried again."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from cityloom.cases import actions, queries
from cityloom.cases.models import CaseEvent, ProcessRun
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor
from tests.cases.bpmn import PERMIT, bpmn
from tests.cases.conftest import NOW, OpenKeeper
from tests.cases.test_case_pages import page, signed_in
from tests.cases.test_consultation import opened, task

pytestmark = pytest.mark.django_db
ENDLESS = bpmn('<startEvent id="start"/><serviceTask id="a" implementation="step:x"/><exclusiveGateway id="g" '
               'default="g_end"/><endEvent id="end"/>', "start > a\na > g\ng > a: x > 1\ng > end")  # fmt: skip
SCRIPT = PERMIT.replace(b'<task id="note"/>', b'<scriptTask id="note"><script>import os</script></scriptTask>')
MANY = bpmn("<task id='a'/>" * 100_001, "start > a")


@pytest.fixture
def people(officials: dict[str, Actor], keeper: OpenKeeper, monkeypatch: pytest.MonkeyPatch) -> dict[str, Actor]:
    from cityloom.cases.listing import cases as sealed

    texts: dict[bytes, str] = {}

    def seal(*, by: Actor, at: Any, matter: str, texts: list[str]) -> list[bytes]:
        return [f"sealed {text}".encode() for text in texts]

    monkeypatch.setattr("cityloom.cases.working.recording.gate.seal_texts", seal)
    monkeypatch.setattr(sealed.gate, "open_texts", lambda **said: [one.decode()[7:] for one in said["sealed"]])
    assert not texts
    return officials


def sent(name: str, data: bytes) -> tuple[int, str]:
    file = SimpleUploadedFile("p.bpmn", data)
    answer = signed_in(name).post("/case-processes/", {"file": file}, follow=True)
    return answer.status_code, answer.content.decode()


def test_a_process_is_uploaded_and_drawn_or_refused_with_what_is_wrong(people: dict[str, Actor]) -> None:
    assert "Consultation of units" in page("clerk", "/case-processes/").content.decode()
    assert "<circle" in page("clerk", "/case-processes/consultation/").content.decode()
    for data, words in ((SCRIPT, "scriptTask note (line"), (ENDLESS, "The process turns for ever in a &gt; g &gt; a"),
                        (MANY, "at most 100000 elements"), (b"", "cannot be read as XML")):  # fmt: skip
        status, text = sent("supervisor", data)
        assert (status, words in text, "Nothing was kept" in text) == (422, True, True)
    assert sent("clerk", PERMIT)[0] == 403
    status, text = sent("supervisor", PERMIT)
    assert (status, "Version 1 of permit is kept" in text, text.count('class="mark"') > 8) == (200, True, True)
    assert page("clerk", "/case-processes/other/").status_code == 404


def test_a_unit_is_asked_on_the_pages_and_answers_there(people: dict[str, Actor]) -> None:
    case_id = opened(people)
    ask = task("ask")
    assert "Choose whom to ask" in page("clerk", f"/cases/{case_id}/").content.decode()
    assert "Choose whom to ask" in page("clerk", "/cases/tasks/").content.decode()
    form = {"how": "finish", "field-units": ["city/water", "city/gas"], "field-question": "May it be opened?"}
    answer = page("clerk", f"/cases/tasks/{ask}/", **form)
    assert (answer.status_code, "Answer by the end of" in answer.content.decode()) == (422, True)
    assert 'value="city/gas" checked' in answer.content.decode() and "May it be opened?" in answer.content.decode()
    due = clock.now().date().replace(year=clock.now().year + 1).isoformat()
    page("clerk", f"/cases/tasks/{ask}/", **form, **{"field-answer_by": due})
    water = task("opinion", "city/water")
    assert "Give an opinion" in page("water", "/cases/tasks/").content.decode()
    shown = page("water", f"/cases/{case_id}/").content.decode()
    led = signed_in("water").get(f"/cases/{case_id}/")
    assert (led.status_code, led["Location"]) == (302, f"/cases/tasks/{water}/")
    shown = page("water", f"/cases/tasks/{water}/").content.decode()
    assert "May it be opened?" in shown and "with reasons" in shown and "Next steps" not in shown
    assert "is for somebody else" in page("gas", f"/cases/tasks/{water}/").content.decode()
    done = page("water", f"/cases/tasks/{water}/", how="finish", outcome="object", note="A main lies there.")
    assert "The task is done" in done.content.decode()
    assert signed_in("water").get(f"/cases/{case_id}/").status_code == 403
    whole = page("clerk", f"/cases/{case_id}/").content.decode()
    assert "We object" in whole and "A main lies there." in whole and "Ask it no more" in whole
    assert "The tasks of this state come first" in whole
    gas = task("opinion", "city/gas")
    page("clerk", f"/cases/tasks/{gas}/", how="withdraw", back="case")
    run = ProcessRun.objects.get()
    assert run.standing == "ended"
    assert "Consultation of units" in page("clerk", f"/case-processes/runs/{run.id}/").content.decode()
    client = signed_in("clerk")
    client.cookies["django_language"] = "zh-hans"
    assert "不同意" in client.get(f"/cases/{case_id}/").content.decode()


def test_a_task_is_given_and_a_stuck_run_says_why_and_is_tried_again(people: dict[str, Actor]) -> None:
    flow = '<startEvent id="start"/><userTask id="look" name="Look"/>{}<endEvent id="end"/>'
    asks = '<serviceTask id="asks" implementation="step:recover"/>'
    actions.upload_process(data=bpmn(flow.format(asks), "start > look\nlook > asks\nasks > end", "looks"), by=SYSTEM,
                           at=NOW)  # fmt: skip
    case_id = opened(people)
    run = actions.start_process(process="looks", case_id=case_id, by=people["clerk"], at=NOW)
    look = task("look")
    page("clerk", f"/cases/tasks/{look}/", how="give", account=people["clerk"].account)
    assert "It is given to you" in page("clerk", f"/cases/tasks/{look}/").content.decode()
    assert page("supervisor", f"/cases/tasks/{look}/", how="finish").status_code == 403
    page("clerk", f"/cases/tasks/{look}/", how="finish", note="Looked at.")
    assert CaseEvent.objects.filter(kind="task-done", data__task="look").count() == 1
    actions.work_processes(at=clock.now())
    address = f"/case-processes/runs/{run}/"
    shown = page("clerk", address).content.decode()
    assert "knows no step recover" in shown and "Try again" not in shown
    assert queries.runs_of("looks", only="stuck")[0].id == run
    assert page("clerk", f"{address}turn/", again="1").status_code == 403
