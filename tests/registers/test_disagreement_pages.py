"""Stewards see where sources disagree, side by side, and decide; others look on."""

from __future__ import annotations

from typing import Any

import pytest

from cityloom.kernel import clock
from cityloom.registers import actions, queries
from tests.registers.test_department_files import Desk, at, code, desk, sealed  # noqa: F401
from tests.registers.test_disagreements import STEWARD, load, rules
from tests.registers.test_record_pages import client, quick_passwords  # noqa: F401

pytestmark = pytest.mark.django_db


@pytest.fixture
def number(desk: Desk) -> int:  # noqa: F811
    load(desk, "market", (code(1), "Market <b>name"), (code(2), "=cmd()"))
    load(desk, "tax", (code(1), "Tax name"), (code(2), "Two"))
    return next(one.number for one in queries.disagreements_listed() if one.key == code(1))


def settle(there: Any, number: int, **says: str) -> Any:
    return there.post(f"/registers/disagreements/{number}/settle/", says)


def test_a_list_says_how_many_between_whom_and_leads_to_each(number: int) -> None:
    page = client("duty-officer").get("/registers/disagreements/").content.decode()
    for words in (code(1), "market / tax", "Name", f"/registers/disagreements/{number}/", "1000.0"):
        assert words in page
    assert "Tax name" not in page


def test_filters_leave_out_the_rest_and_nonsense_finds_nothing(number: int) -> None:
    there = client("steward")
    for asked, is_there in (({"field": "name", "source": "tax"}, True), ({"field": "address"}, False),
                            ({"source": "nobody"}, False), ({"state": "settled"}, False),
                            ({"state": "x' OR 1=1", "before": "nine"}, True)):  # fmt: skip
        page = there.get("/registers/disagreements/", asked).content.decode()
        assert (f">{number}</a>" in page) == is_there, asked


def test_both_sides_stand_with_their_file_and_row_and_a_steward_decides(number: int) -> None:
    there = client("steward")
    page = there.get(f"/registers/disagreements/{number}/").content.decode()
    for words in ("Market &lt;b&gt;name", "Tax name", "row 2", "its record is the fullest"):
        assert words in page, words
    assert settle(there, number, right="tax", reason="").status_code == 422
    assert settle(there, number, reason="seen on the door").status_code == 422
    assert queries.disagreement(number).state == "open"
    assert settle(there, number, right="tax", reason="seen on the door").status_code == 302
    page = there.get(f"/registers/disagreements/{number}/").content.decode()
    assert "tax is right" in page
    assert "seen on the door" in page
    actions.settle_disagreement(number, right="", reason="two names in use", by=STEWARD, at=clock.now())
    assert "Earlier decisions" in there.get(f"/registers/disagreements/{number}/").content.decode()


def test_who_is_no_steward_is_told_and_changes_nothing(number: int) -> None:
    there = client("duty-officer")
    assert "decided by data stewards" in there.get(f"/registers/disagreements/{number}/").content.decode()
    assert settle(there, number, right="tax", reason="seen on the door").status_code == 403
    assert there.get("/registers/disagreements/export/", {"source": "tax"}).status_code == 403
    assert queries.disagreement(number).state == "open"
    assert there.get("/registers/disagreements/999999/").status_code == 404


def test_a_department_gets_a_file_of_its_own_rows(number: int) -> None:
    there = client("steward")
    answer = there.get("/registers/disagreements/export/", {"source": "market"})
    text = answer.content.decode("utf-8-sig")
    assert answer["Content-Type"].startswith("text/csv")
    assert "'=cmd()" in text
    assert text.count("\n") == 3
    assert there.get("/registers/disagreements/export/", {"source": "none\r\nX: y"}).status_code == 404


def test_the_rules_that_hold_are_shown_with_their_history(number: int, desk: Desk) -> None:  # noqa: F811
    there = client("duty-officer")
    assert "There are none yet" in there.get("/registers/rules/").content.decode()
    rules(desk)
    page = there.get("/registers/rules/").content.decode()
    assert "sources: [market, tax]" in page
    assert "the council&#x27;s decision" in page
