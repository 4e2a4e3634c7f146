"""A table or a process is looked at on a page before anything runs by it."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from cityloom.accounts.models import Account
from cityloom.kernel.actor import Actor
from tests.cases.bpmn import PERMIT
from tests.cases.test_decisions import STALL

pytestmark = pytest.mark.django_db


def shown(officials: dict[str, Actor], **sent: Any) -> tuple[int, str]:
    client = Client()
    client.post("/sign-in/demo/", {"account": Account.objects.get(username="clerk").pk})
    answer = client.post("/case-rules/", sent) if sent else client.get("/case-rules/")
    return answer.status_code, answer.content.decode()


def test_a_table_is_shown_with_its_gaps_and_a_process_is_drawn(officials: dict[str, Actor]) -> None:
    assert "A stall at the market" in shown(officials)[1]
    status, page = shown(officials, text=STALL)
    assert status == 200
    assert "5 inputs" not in page and "area_m2: &gt; 12" in page and "<td" in page
    status, page = shown(officials, file=SimpleUploadedFile("permit.bpmn", PERMIT))
    assert status == 200
    assert page.count('<g class="node') == 14 and page.count("<polygon") == 3 and "step:grant" in page


def test_what_is_wrong_is_said_and_what_was_written_stays(officials: dict[str, Actor]) -> None:
    status, page = shown(officials, text=STALL.replace("(6..12]", "(6..a]"))
    assert (status, "Row 2, column area_m2" in page, "(6..a]" in page) == (422, True, True)
    status, page = shown(officials, file=SimpleUploadedFile("p.bpmn", PERMIT.replace(b"<userTask", b"<scriptTask", 1)))
    assert status == 422
    assert "scriptTask review" in page and "scripts are not run" in page
