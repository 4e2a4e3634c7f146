"""Sources that disagree: found with the load that brings it, listed, decided with a reason, and never overwritten."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cityloom.bus.models import OutboxEvent
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import actions, queries
from cityloom.registers.domain.facts import Noted
from cityloom.registers.loading import comparing
from cityloom.registers.models import Comparison, Disagreement, OrganisationRecord, Source
from tests.registers.test_department_files import Desk, at, code, desk, refused, sealed  # noqa: F401

pytestmark = pytest.mark.django_db
STEWARD = Actor("01STEWARD", "city", frozenset({"steward"}))
RULES = "cityloom: 1\nregisters:\n  organisations:\n    sources: [market, tax]\n"


def load(desk: Desk, source: str, *rows: tuple[str, ...], **how: object) -> int:  # noqa: F811
    path = desk.file(*(row + ("",) * (4 - len(row)) for row in rows))
    mapping = desk.folder / "other.yaml"
    text = "cityloom: 1\nsource: {}\nregister: organisations\nas_of: 2026-11-01\nfile: {{format: csv}}\ncolumns:\n"
    text += "  code: {{field: code{}}}\n  name: {{field: name}}\n  founded: {{field: registered_on}}\n"
    text = text.format(source, how.pop("form", "")) + "  owner: {field: owner}\n" + str(how.pop("more", ""))
    mapping.write_text(text, "utf-8")
    return actions.load_file(actions.read_mapping(mapping), path, by=SYSTEM, at=clock.now()).load


def open_ones() -> list[tuple[str, str, tuple[str, str]]]:
    return [(one.key, one.field, one.sources) for one in queries.disagreements_listed()]


def rules(desk: Desk, text: str = RULES) -> int:  # noqa: F811
    path = desk.folder / "rules.yaml"
    path.write_text(text, "utf-8")
    return actions.set_source_rules(path, reason="the council's decision", by=STEWARD, at=clock.now())


def test_what_two_sources_say_differently_is_found_by_the_load_that_brings_it(desk: Desk) -> None:  # noqa: F811
    load(desk, "market", (code(1), "One", "2020-01-02"), (code(2), "Two"), (code(3), "Three"))
    assert open_ones() == []
    number = load(desk, "tax", (code(1), "ONE ", "2020-01-03"), (code(2), "Zwei"), (code(4), "Four"))
    assert sorted(open_ones()) == [(code(1), "registered_on", ("market", "tax")), (code(2), "name", ("market", "tax"))]
    (event,) = OutboxEvent.objects.filter(type="cityloom.registers.RecordsDisagree.v1")
    assert event.data == event.data | {"load": number, "register": "organisations", "source": "tax", "found": 2,
                                       "by_field": {"name": 1, "registered_on": 1}}  # fmt: skip
    rates = {(rate.other, rate.field): (rate.compared, rate.differing) for rate in queries.disagreement_rates()}
    assert rates == {("market", "name"): (2, 1), ("market", "registered_on"): (1, 1)}
    assert queries.disagreements_counted() == [
        ("organisations", "name", "market", "tax", 1), ("organisations", "registered_on", "market", "tax", 1),
    ]  # fmt: skip


def test_no_value_is_copied_and_none_is_announced(desk: Desk) -> None:  # noqa: F811
    load(desk, "market", (code(1), "First word"))
    load(desk, "tax", (code(1), "Other word"))
    kept = repr([list(table.objects.values()) for table in (Disagreement, OutboxEvent, Comparison)])
    assert code(1) in kept
    assert "word" not in kept


def test_they_end_when_the_sources_agree_again_or_one_has_it_no_more(desk: Desk) -> None:  # noqa: F811
    load(desk, "market", (code(1), "One"), (code(2), "Two"))
    load(desk, "tax", (code(1), "Eins"), (code(2), "Zwei"), more="covers: everything\n")
    assert len(open_ones()) == 2
    load(desk, "market", (code(1), "Eins"))
    assert open_ones() == [(code(2), "name", ("market", "tax"))]
    load(desk, "tax", (code(1), "Eins"), more="covers: everything\n")
    assert open_ones() == []


def test_a_load_looks_at_the_entries_that_it_touches_alone(
    desk: Desk, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    load(desk, "market", *((code(number), f"M {number}") for number in range(30)))
    load(desk, "tax", *((code(number), f"T {number}") for number in range(30)))
    seen: list[int] = []
    note = comparing.disagreements.note

    def counted(register: str, found: list[Noted], *rest: object, **how: object) -> None:
        seen.append(len(found))
        note(register, found, *rest, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(comparing.disagreements, "note", counted)
    load(desk, "tax", (code(3), "T 3 again"), *((code(number), f"T {number}") for number in range(4, 30)))
    assert seen == [1]


def test_a_third_source_disagrees_with_each_of_the_others(desk: Desk) -> None:  # noqa: F811
    for source, name in (("market", "A"), ("tax", "A"), ("post", "B")):
        load(desk, source, (code(1), name))
    assert [pair for _key, _field, pair in open_ones()] == [("tax", "post"), ("market", "post")]


def test_a_decision_counts_when_reading_overwrites_nothing_and_holds_until_somebody_says_something_new(
    desk: Desk, at: clock.DrillClock,  # noqa: F811
) -> None:  # fmt: skip
    rules(desk)
    load(desk, "market", (code(1), "Market name"))
    load(desk, "tax", (code(1), "Tax name"))
    (one,) = queries.disagreements_listed()
    before = list(OrganisationRecord.objects.values())
    at.advance(3600)
    decided = clock.now()
    actions.settle_disagreement(one.number, right="tax", reason="seen on the door", by=STEWARD, at=decided)
    assert list(OrganisationRecord.objects.values()) == before
    assert name_of() == ("Tax name", "tax", "settled")
    assert name_of(decided - timedelta(seconds=1)) == ("Market name", "market", "authoritative")
    at.advance(3600)
    load(desk, "tax", (code(1), "Tax name", "2020-01-01"))
    assert (open_ones(), name_of()) == ([], ("Tax name", "tax", "settled"))
    at.advance(3600)
    load(desk, "market", (code(1), "Third name"))
    assert open_ones() == [(code(1), "name", ("market", "tax"))]
    assert name_of() == ("Third name", "market", "authoritative")
    assert name_of(decided) == ("Tax name", "tax", "settled"), "the past stays as it was decided"
    (again,) = queries.disagreements_listed()
    assert again.past[0]["reason"] == "seen on the door"


def name_of(known_at: datetime | None = None) -> tuple[object, str, str]:
    entry = queries.believed("organisations", code(1), known_at=known_at)
    assert entry is not None
    name = entry.fields["name"]
    return name.value, name.source, name.why


def test_both_may_stand_and_a_second_decision_replaces_the_first(desk: Desk) -> None:  # noqa: F811
    load(desk, "market", (code(1), "A"))
    load(desk, "tax", (code(1), "B"))
    (one,) = queries.disagreements_listed()
    for right in ("", "market"):
        actions.settle_disagreement(one.number, right=right, reason="two names are in use", by=STEWARD, at=clock.now())
    assert [past["state"] for past in queries.disagreement(one.number).past] == ["accepted"]
    assert name_of()[2] == "settled"


@pytest.mark.parametrize(("how", "refusal"), [
    ({"by": Actor("x", "city", frozenset({"case-handler"}))}, "registers.role"),
    ({"reason": " ab "}, "registers.reason"),
    ({"right": "post"}, "registers.not_in_it"), ({"number": 10**9}, "registers.no_disagreement"),
])  # fmt: skip
def test_who_may_not_decide_or_gives_no_reason_is_told(
    desk: Desk, how: dict[str, object], refusal: str  # noqa: F811
) -> None:
    load(desk, "market", (code(1), "A"))
    load(desk, "tax", (code(1), "B"))
    asked = {"number": queries.disagreements_listed()[0].number, "right": "tax", "reason": "seen there", "by": STEWARD}
    asked |= how
    number = asked.pop("number")
    told = refused(lambda: actions.settle_disagreement(number, at=clock.now(), **asked))  # type: ignore[arg-type]
    assert told.code == refusal
    assert len(open_ones()) == 1


def test_a_department_gets_its_own_rows_back_and_no_formula(desk: Desk, tmp_path: Path) -> None:  # noqa: F811
    load(desk, "market", (code(9), "Other"), (code(1), "=1+1"))
    load(desk, "tax", (code(1), "B"))
    place = tmp_path / "back.csv"
    assert actions.export_disagreements("market", place, by=STEWARD) == 1
    assert place.stat().st_mode & 0o777 == 0o600
    (row,) = csv.DictReader(io.StringIO(place.read_text("utf-8-sig")))
    assert (row["your row"], row["you say"], row["other source"], row["it says"]) == ("3", "'=1+1", "tax", "B")
    assert refused(lambda: actions.export_disagreements("market", place, by=STEWARD)).code == "registers.file_exists"
    assert refused(lambda: actions.export_disagreements("nobody", place, by=STEWARD)).code == "registers.no_source"


def test_rules_of_a_day_hold_for_that_day(desk: Desk, at: clock.DrillClock) -> None:  # noqa: F811
    load(desk, "market", (code(1), "Market name"))
    load(desk, "tax", (code(1), "Tax name"))
    assert rules(desk) == rules(desk), "the same rules again are no new version"
    before = clock.now()
    assert name_of() == ("Market name", "market", "authoritative")
    at.advance(60)
    rules(desk, RULES.replace("market, tax", "tax, market"))
    assert name_of()[1] == "tax"
    assert name_of(before)[1] == "market"
    assert [version.set_by for version in queries.source_rules_versions()] == ["01STEWARD"] * 2


def test_a_comparison_that_was_cut_short_is_made_up_for_and_announced_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    load(desk, "market", (code(1), "A"))
    with monkeypatch.context() as broken:
        broken.setattr(comparing, "_publish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            load(desk, "tax", (code(1), "B"))
    assert queries.facts_of("organisations", code(1))[0].values["name"] == "B", "the load itself is known"
    load(desk, "post", (code(7), "Seven"))
    assert len(open_ones()) == 1
    assert OutboxEvent.objects.filter(type="cityloom.registers.RecordsDisagree.v1").count() == 1


def test_sealed_fields_are_noted_by_name_alone(desk: Desk) -> None:  # noqa: F811
    load(desk, "market", (code(1), "A"))
    number = load(desk, "tax", (code(1), "A"))
    market, tax = (Source.objects.get(name=name).id for name in ("market", "tax"))
    row = Noted("7", "phone", tax, number << 32 | 2, market, 1 << 32 | 2)
    for rows, still in (([row], 1), ([row], 1), ([], 0)):
        actions.note_disagreements("people", rows, load=number, keys=["7"], fields=["phone"], at=clock.now())
        assert len(open_ones()) == still
    assert OutboxEvent.objects.filter(type="cityloom.registers.RecordsDisagree.v1").count() == 1


def test_rules_that_are_wrong_or_not_a_stewards_change_nothing(desk: Desk, tmp_path: Path) -> None:  # noqa: F811
    path = tmp_path / "rules.yaml"
    path.write_text(RULES, "utf-8")
    visitor = Actor("x", "city", frozenset({"duty-officer"}))
    with pytest.raises(Refused) as caught:
        actions.set_source_rules(path, reason="because I can", by=visitor, at=clock.now())
    assert caught.value.code == "registers.role"
    path.write_bytes(RULES.encode("utf-16"))
    assert refused(lambda: actions.check_source_rules(path)).code == "registers.rules_unreadable"
    assert refused(lambda: actions.check_source_rules(tmp_path / "none.yaml")).code == "registers.rules_missing"
    assert queries.source_rules().number == 0
