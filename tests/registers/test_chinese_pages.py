"""The pages of the registers speak Chinese: beside what departments wrote, no English word stands on them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.lake import catalogue
from cityloom.lake.domain.dataset import Column, Dataset
from cityloom.registers import queries
from cityloom.registers.display import field_word, register_word, value_word
from cityloom.registers.domain.written import meant
from cityloom.registers.models import CorrectionRequest
from cityloom.ui.words import sentence_of
from tests.registers.test_department_files import Desk, at, code, desk  # noqa: F401
from tests.registers.test_disagreements import load, rules
from tests.registers.test_linked_entries import unsure
from tests.registers.test_record_pages import client, quick_passwords  # noqa: F401

pytestmark = pytest.mark.django_db
THEIRS = {"market", "tax", "csv", "CSV", "GeoJSON", "Alt", "Shift", "UTC", "cityloom", "register", "profile", "FILE",
          "file", "pattern", "mappings"}  # fmt: skip
"""Names of sources and files, of formats and keys, commands, and what stands in a mapping."""
_NOT_WORDS = re.compile(r"<(script|style|pre)\b.*?</\1>|<[^>]* (class=\"code|dir=\"auto)[^>]*>[^<]*|<[^>]*>", re.DOTALL)
_ENGLISH = re.compile(r"[A-Za-z]{3,}")


def english(there: Client, address: str) -> set[str]:
    """The English words of a page that nobody but the city itself wrote."""
    answer = there.get(address, headers={"accept-language": "zh-hans"}, follow=True)
    assert answer.status_code == 200, address
    page = answer.content.decode()
    assert re.search(r'<html[^>]* lang="zh', page), address
    main = page[page.index("<main") : page.index("</main>")]
    return set(_ENGLISH.findall(html.unescape(_NOT_WORDS.sub(" ", main)))) - THEIRS


@pytest.fixture(autouse=True)
def own_language() -> Iterator[None]:
    """A request leaves its language behind."""
    with translation.override("en"):
        yield


@pytest.fixture
def pages(desk: Desk, tmp_path: Path, settings: Any) -> list[str]:  # noqa: F811
    """Addresses of pages that have something to show."""
    settings.CITYLOOM = settings.CITYLOOM | {"LAKE_DIR": tmp_path / "lake", "INBOX_DIR": tmp_path / "inbox"}
    load(desk, "market", (code(1), "甲"), (code(2), "乙"))
    load(desk, "tax", (code(1), "丙"), (code(2), "丁"))
    rules(desk)
    columns = (Column("state", "text"), Column("took", "number"), Column("who", "bytes", "", "sealed", "", True))
    catalogue.declare(tmp_path / "lake", Dataset("visits", "巡查", columns, register="organisations"))
    asked = CorrectionRequest.objects.create(id="0" * 26, register="organisations", key=code(1), field="name",
                                             asked_by="x", asked_at=clock.now(), packet=1)  # fmt: skip
    found, pair = queries.disagreements_listed()[0].number, unsure(code(1), code(2)).id
    return [
        "/registers/", f"/registers/?q={code(1)}", "/registers/organisations/", f"/organisations/{code(1)}/",
        "/registers/disagreements/", f"/registers/disagreements/{found}/", "/registers/rules/", "/registers/links/",
        f"/registers/links/{pair}/", "/registers/folder/", "/registers/corrections/",
        f"/registers/corrections/{asked.id}/", "/people/", "/lake/", "/registers/parcels/",
    ]  # fmt: skip


def test_a_steward_reads_no_english(pages: list[str]) -> None:
    there = client("steward")
    assert {page: words for page in pages if (words := english(there, page))} == {}


def test_who_may_not_is_told_so_in_chinese(pages: list[str]) -> None:
    there = client("duty-officer")
    told = [page for page in pages if re.search(r"/(links|disagreements)/\d+/|organisations", page)]
    assert {page: words for page in told if (words := english(there, page))} == {}
    assert len(told) == 4


def test_a_word_with_two_meanings_has_that_of_registers() -> None:
    with translation.override("zh-hans"):
        assert value_word("kind", "company") == "公司"
        assert field_word("industry") == "行业"
        assert field_word("operator") == "运营单位"
        assert register_word("people") == "人员"
        missing = Refused("registers.column_missing", "Line {limit} of the mapping names a column that the file does "
                          "not have: {value}", limit=9, value=meant("ower", ["owner"]))  # fmt: skip
        assert sentence_of(missing) == "映射第 9 行提到文件中没有的列：ower（是否指 owner？）"
        missing.value = meant("named", ["code", "firm"])
        assert sentence_of(missing).endswith("：named（现有：code, firm）")
