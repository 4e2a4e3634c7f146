"""What departments say of one organisation under numbers of their own is believed and compared as of one entry."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from cityloom.bus.models import OutboxEvent
from cityloom.cli import register, sources
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.registers import actions, queries
from cityloom.registers.models import Disagreement, RecordLink, Source
from tests.registers.test_department_files import Desk, at, code, desk, sealed  # noqa: F401
from tests.registers.test_disagreements import STEWARD, load, open_ones
from tests.registers.test_record_pages import client, quick_passwords  # noqa: F401

pytestmark = pytest.mark.django_db


def load_own(desk: Desk, source: str, *rows: tuple[str, ...], more: str = "") -> int:  # noqa: F811
    """Load a file of a department that has numbers of its own."""
    return load(desk, source, *rows, form=", form: own-number", more=more)


def pair(left: str, right: str, state: str = "review") -> RecordLink:
    """A pair as the engine finds it; `left` sorts before `right`."""
    records = [queries.facts_of("organisations", key)[0] for key in (left, right)]
    sources = dict(Source.objects.values_list("name", "id"))
    link = RecordLink(
        register="organisations", left_key=left, right_key=right, left_record=records[0].record,
        right_record=records[1].record, left_source=sources[records[0].origin.source],
        right_source=sources[records[1].origin.source], weight=9.0, probability=0.9, state=state, found_at=clock.now(),
    )  # fmt: skip
    actions.pairs.found("organisations", [link], at=clock.now(), by="engine")
    return RecordLink.objects.get(left_key=left, right_key=right)


def judge(link: RecordLink) -> None:
    actions.judge_pair(link.id, same=True, reason="one stamp", by=STEWARD, at=clock.now())


def news() -> list[dict[str, object]]:
    return [event.data for event in OutboxEvent.objects.filter(type="cityloom.registers.RecordsDisagree.v1")
            .order_by("id")]  # fmt: skip


@pytest.fixture
def apart(desk: Desk) -> RecordLink:  # noqa: F811
    load(desk, "market", (code(1), "One"), (code(2), "Two"))
    load_own(desk, "tax", ("T1", "Eins"), ("T2", "TWO"))
    assert open_ones() == []
    return pair(code(1), "tax:T1")


def test_a_pair_that_a_steward_joins_is_compared_and_the_news_are_published(apart: RecordLink) -> None:
    judge(apart)
    assert [(one.keys, one.field, one.sources, one.found_by) for one in queries.disagreements_listed()] == [
        ((code(1), "tax:T1"), "name", ("market", "tax"), 0)]  # fmt: skip
    (event,) = news()
    assert event == event | {"load": 0, "register": "organisations", "source": "", "found": 1, "by_field": {"name": 1}}


def test_pairs_that_the_engine_joins_are_compared_and_so_is_what_was_cut_short(
    apart: RecordLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair(code(2), "tax:T2", "certain")
    RecordLink.objects.filter(id=apart.id).update(state="certain", is_compared=False)
    assert open_ones() == []
    monkeypatch.setattr(actions.stored, "link_organisations", lambda **_how: {})
    actions.link_stored("organisations", by=SYSTEM, at=clock.now())
    assert open_ones() == [(code(1), "name", ("market", "tax"))], "TWO and Two are the same"
    actions.link_stored("organisations", by=SYSTEM, at=clock.now())
    assert len(news()) == 1, "what was compared is not compared again"
    assert not RecordLink.objects.filter(is_compared=False).exists()


def test_a_load_is_compared_with_what_is_joined_with_its_entries(apart: RecordLink, desk: Desk) -> None:  # noqa: F811
    judge(apart)
    load_own(desk, "tax", ("T1", "ONE"), ("T2", "TWO"))
    assert open_ones() == [], "the tax office came round"
    number = load(desk, "market", (code(1), "Uno"), (code(2), "Two"))
    (one,) = queries.disagreements_listed()
    assert (one.keys, one.found_by, one.state) == ((code(1), "tax:T1"), number, "open")
    assert news()[-1] == news()[-1] | {"load": number, "source": "market", "found": 1}
    rates = {(rate.load, rate.other): (rate.compared, rate.differing) for rate in queries.disagreement_rates()}
    assert rates[number, "tax"] == (1, 1)
    load_own(desk, "tax", ("T2", "TWO"), more="covers: everything\n")
    assert open_ones() == [], "the tax office has it no more"


def test_a_join_that_is_taken_back_ends_what_was_there_because_of_it_and_deletes_nothing(
    apart: RecordLink, desk: Desk, at: clock.DrillClock  # noqa: F811
) -> None:  # fmt: skip
    judge(apart)
    load(desk, "post", (code(1), "Post's name"))
    load(desk, "post", (code(2), "Another"))
    under_one_key = [(code(1), "name", ("market", "post")), (code(2), "name", ("market", "post"))]
    assert sorted(open_ones()) == sorted(
        [*under_one_key, (code(1), "name", ("market", "tax")), ("tax:T1", "name", ("tax", "post"))])  # fmt: skip
    at.advance(3600)
    actions.undo_join(apart.id, reason="two shops of one name", by=STEWARD, at=clock.now())
    assert sorted(open_ones()) == sorted(under_one_key)
    ended = queries.disagreements_listed(state="ended")
    assert [(one.reason, one.by, one.at) for one in ended] == [
        ("two shops of one name", "01STEWARD", clock.now())] * 2  # fmt: skip
    judge(apart)
    again = next(one for one in queries.disagreements_listed() if one.sources == ("market", "tax"))
    assert [was["state"] for was in again.past] == ["ended"], "joined again, it is open again and knows its past"
    assert Disagreement.objects.count() == 4


def test_entries_that_are_joined_over_a_third_are_compared_and_parted_with_it(desk: Desk) -> None:  # noqa: F811
    load(desk, "market", (code(1), "One"))
    load_own(desk, "tax", ("T1", "ONE"))
    load_own(desk, "post", ("P1", "Eins"))
    judge(pair(code(1), "tax:T1"))
    assert open_ones() == []
    last = pair("post:P1", "tax:T1")
    judge(last)
    assert {one.keys for one in queries.disagreements_listed()} == {(code(1), "post:P1"), ("tax:T1", "post:P1")}
    actions.undo_join(last.id, reason="another street", by=STEWARD, at=clock.now())
    assert open_ones() == []
    assert queries.linked_with("organisations", code(1))[0] == ["tax:T1"]


class Started:
    """A city that is open already."""

    def open_city(self) -> None:
        """Do nothing."""


def told(command: Any, *args: str) -> str:
    return CliRunner().invoke(command, list(args), obj=Started(), catch_exceptions=False).stdout


def test_the_command_line_gathers_what_is_joined_and_names_both_keys(
    apart: RecordLink, at: clock.DrillClock  # noqa: F811
) -> None:  # fmt: skip
    at.advance(2 * 86_400)
    judge(apart)
    for key, other in ((code(1), "tax:T1"), ("tax:T1", code(1))):
        entry = json.loads(told(sources.believed, key, "--json"))
        name = entry["fields"]["name"]
        assert {name["source"], name["others"][0]["source"]} == {"market", "tax"}
        assert entry["joined"] == [other]
        assert other in told(register.history, key)
    day = (clock.now() - timedelta(days=1)).date().isoformat()
    then = json.loads(told(sources.believed, code(1), "--as-known-on", day, "--json"))
    assert (then["fields"]["name"]["others"], then["joined"]) == ([], []), "they were two entries then"
    assert "tax:T1" not in told(register.history, code(1), "--as-known-on", day)
    (one,) = json.loads(told(sources.disagreements, "--json"))
    assert (one["key"], one["other_key"]) == (code(1), "tax:T1")


def test_two_entries_of_one_source_never_disagree_though_they_are_joined(desk: Desk) -> None:  # noqa: F811
    load_own(desk, "tax", ("T1", "One"), ("T2", "Two"))
    judge(pair("tax:T1", "tax:T2"))
    assert open_ones() == []


def test_what_a_steward_settles_is_believed_under_both_keys_and_on_its_days_alone(
    apart: RecordLink, at: clock.DrillClock  # noqa: F811
) -> None:  # fmt: skip
    at.advance(3600)
    before = clock.now() - timedelta(seconds=1)
    judge(apart)
    (one,) = queries.disagreements_listed()
    actions.settle_disagreement(one.number, right="market", reason="seen on the door", by=STEWARD, at=clock.now())
    settled = clock.now()
    assert name_under(code(1)) == name_under("tax:T1") == ("One", "settled")
    at.advance(3600)
    actions.undo_join(apart.id, reason="two shops of one name", by=STEWARD, at=clock.now())
    assert (name_under(code(1)), name_under("tax:T1")) == (("One", "only"), ("Eins", "only"))
    assert name_under("tax:T1", settled) == ("One", "settled")
    assert name_under("tax:T1", before) == ("Eins", "only")


def name_under(key: str, known_at: object = None) -> tuple[object, str]:
    joined, _pairs = queries.linked_with("organisations", key, known_at)  # type: ignore[arg-type]
    entry = queries.believed("organisations", key, known_at=known_at, joined=joined)  # type: ignore[arg-type]
    assert entry is not None
    return entry.fields["name"].value, entry.fields["name"].why


def test_pages_and_the_export_have_both_keys(apart: RecordLink) -> None:
    judge(apart)
    (one,) = queries.disagreements_listed()
    there = client("steward")
    for address in ("/registers/disagreements/", f"/registers/disagreements/{one.number}/"):
        page = there.get(address).content.decode()
        assert f"/organisations/{code(1)}/" in page, address
        assert "/organisations/tax:T1/" in page, address
    assert "a join" in there.get("/registers/disagreements/").content.decode()
    for key in (code(1), "tax:T1"):
        assert f"/registers/disagreements/{one.number}/" in there.get(f"/organisations/{key}/").content.decode(), key
    stream = io.StringIO()
    actions.write_disagreements("tax", stream, by=STEWARD)
    (row,) = csv.DictReader(io.StringIO(stream.getvalue()))
    assert (row["key"], row["you say"], row["its key"], row["it says"]) == ("tax:T1", "Eins", code(1), "One")
    actions.undo_join(apart.id, reason="two shops of one name", by=STEWARD, at=clock.now())
    page = there.get(f"/registers/disagreements/{one.number}/").content.decode()
    assert "the join was taken back" in page
    assert "two shops of one name" in page
