"""Organisations that two departments know under different numbers become one entry, and two again if that is wrong."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils.translation import override

from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import actions, queries
from cityloom.registers.display import held_words
from cityloom.registers.domain import identifiers, linkage_example
from cityloom.registers.domain.linkage import Links
from cityloom.registers.domain.reviewing import one_with, waterfall
from cityloom.registers.linkage import engine
from cityloom.registers.models import LinkDecision, RecordLink
from tests.registers.test_department_files import at  # noqa: F401
from tests.registers.test_linkage_addresses import TEXT as BY_ADDRESS
from tests.registers.test_record_pages import client, quick_passwords  # noqa: F401

pytestmark = pytest.mark.django_db
COLUMNS = "  code: {field: code%s}\n  name: {field: name}\n  address: {field: address}\n  day: {field: registered_on}\n"


def credit_code(number: int) -> str:
    start = f"91440306MA{number:07d}"
    return start + identifiers.credit_code_sign(start)


def load(folder: Path, source: str, codes: list[str], table: dict[str, list[str]], form: str = "") -> None:
    path, mapping = folder / f"{source}.csv", folder / f"{source}.yaml"
    with path.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(["code", "name", "address", "day"])
        out.writerows(zip(codes, table["name"], table["address"], table["registered_on"], strict=True))
    mapping.write_text(f"cityloom: 1\nsource: {source}\nregister: organisations\nas_of: 2026-11-01\ncolumns:\n"
                       + COLUMNS % form, "utf-8")  # fmt: skip
    actions.load_file(actions.read_mapping(mapping), path, by=SYSTEM, at=clock.now())


_LINK, _ANSWERS = engine.link, dict[str, Links]()


def remembered(tables: Any, config: Any, **how: Any) -> Links:
    """The engine's answer, which is the same for the same tables: to work it out takes longer than all the rest."""
    asked = repr((tables, sorted(how.items())))
    if asked not in _ANSWERS:
        _ANSWERS[asked] = _LINK(tables, config, **how)
    return _ANSWERS[asked]


@pytest.fixture
def linked(
    tmp_path: Path, at: clock.DrillClock, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> linkage_example.Linked:  # fmt: skip
    monkeypatch.setattr(engine, "link", remembered)
    made = linkage_example.organisations(70, 50, 40, seed=9)
    load(tmp_path, "market", [credit_code(row) for row in range(70)], made.left)
    load(tmp_path, "tax", [f"T{row}" for row in range(50)], made.right, ", form: own-number")
    at.advance(3600)
    actions.link_stored("organisations", by=SYSTEM, at=clock.now())
    return made


def joins() -> set[tuple[str, str]]:
    return set(RecordLink.objects.filter(state="certain").values_list("left_key", "right_key"))


def test_entries_without_a_common_number_are_joined_and_shown_as_one(linked: linkage_example.Linked) -> None:
    true = {(credit_code(one), f"tax:T{other}") for one, other in zip(*(s.tolist() for s in linked.same), strict=True)}
    assert len(joins() & true) >= 36 and not joins() - true
    left, right = sorted(joins())[0]
    page = client("duty-officer").get(f"/organisations/{right}/").content.decode()
    assert "Joined from several entries" in page and left in page
    assert "What market says" in page and "What tax says" in page


def test_a_join_that_is_taken_back_leaves_two_entries_and_the_past_as_it_was_known(
    linked: linkage_example.Linked, at: clock.DrillClock  # noqa: F811
) -> None:  # fmt: skip
    link = RecordLink.objects.filter(state="certain").first()
    before = [queries.facts_of("organisations", key) for key in (link.left_key, link.right_key)]
    at.advance(3600)
    meanwhile = clock.now()
    at.advance(3600)
    with pytest.raises(Refused, match="needs its reason"):
        actions.undo_join(link.id, reason="", by=SYSTEM, at=clock.now())
    actions.undo_join(link.id, reason="Two shops of one name", by=SYSTEM, at=clock.now())
    assert queries.linked_with("organisations", link.left_key)[0] == []
    assert queries.linked_with("organisations", link.left_key, meanwhile)[0] == [link.right_key]
    assert queries.linked_with("organisations", link.left_key, meanwhile - timedelta(days=1))[0] == []
    assert [queries.facts_of("organisations", key) for key in (link.left_key, link.right_key)] == before
    with pytest.raises(Refused, match="nothing to undo"):
        actions.undo_join(link.id, reason="Once more", by=SYSTEM, at=clock.now())
    actions.link_stored("organisations", by=SYSTEM, at=clock.now())
    assert queries.pair(link.id).state == "undone", "what a steward decided is not decided again by a machine"
    assert [step.state for step in queries.pair(link.id).steps] == ["certain", "undone"]


def test_linking_again_changes_nothing(linked: linkage_example.Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "link", _LINK)
    said = list(LinkDecision.objects.order_by("id").values_list("link_id", "state"))
    assert actions.link_stored("organisations", by=SYSTEM, at=clock.now()) == {}
    assert list(LinkDecision.objects.order_by("id").values_list("link_id", "state")) == said


def test_a_steward_looks_at_a_pair_and_decides(at: clock.DrillClock, quick_passwords: Any) -> None:  # noqa: F811
    pair = unsure()
    steward, officer = client("steward"), client("duty-officer")
    assert "/registers/links/" in steward.get("/registers/links/").content.decode()
    page = steward.get(f"/registers/links/{pair.id}/").content.decode()
    assert "<svg" in page and "+21.0" in page and "-9.0" in page and "nearly the same" in page
    assert "data stewards" in officer.get(f"/registers/links/{pair.id}/").content.decode()
    assert _post(officer, pair, "judge", answer="same").status_code == 403
    assert _post(steward, pair, "judge", answer="same", reason="Same stamp").status_code == 302
    assert queries.linked_with("organisations", "a")[0] == ["b"]
    assert queries.pairs_waiting() == []
    assert _post(steward, pair, "undo", reason="").status_code == 422
    assert _post(steward, pair, "undo", reason="Not so at all").status_code == 302
    assert _post(steward, pair, "judge", answer="different").status_code == 302
    assert [step.state for step in queries.pair(pair.id).steps] == ["same", "undone", "different"]


def _post(who: Client, pair: RecordLink, way: str, **form: str) -> Any:
    return who.post(f"/registers/links/{pair.id}/{way}/", form)


def unsure(left: str = "a", right: str = "b", probability: float = 0.6) -> RecordLink:
    return RecordLink.objects.create(
        register="organisations", left_key=left, right_key=right, left_record=1, right_record=2, left_source=1,
        right_source=2, weight=0.5, probability=probability, state="review", found_at=clock.now(),
        parts=[["start", "", -11.5], ["name", "nearly the same", 21.0], ["address", "differs", -9.0]],
    )  # fmt: skip


def test_the_least_certain_pair_comes_first_and_skipping_leads_to_the_next(at: clock.DrillClock) -> None:  # noqa: F811
    sure, middling = unsure("a", "b", 0.9), unsure("c", "d", 0.55)
    assert [one.number for one in queries.pairs_waiting()] == [middling.id, sure.id]
    assert queries.pair_after(middling.id) == sure.id and queries.pair_after(sure.id) == middling.id


def test_only_stewards_link_and_only_organisations_are_linked_in_the_register(at: clock.DrillClock) -> None:  # noqa: F811
    officer = Actor(account="01J", unit="city", roles=frozenset({"duty-officer"}))
    with pytest.raises(Refused, match="data stewards"):
        actions.link_stored("organisations", by=officer, at=clock.now())
    with pytest.raises(Refused, match="no way to link buildings"):
        actions.link_stored("buildings", by=SYSTEM, at=clock.now())


def test_what_is_loaded_is_linked_under_a_configuration_of_the_city(
    tmp_path: Path, at: clock.DrillClock  # noqa: F811
) -> None:  # fmt: skip
    others, more = (linkage_example.organisations(20, 20, 0, seed=seed).left for seed in (5, 6))
    addresses = {"market": "深圳市南山区科苑路１５號", "tax": "广东省深圳市南山区科苑路15号"}
    for source, rest in (("market", others), ("tax", more)):
        first = {"name": "蓝湖茶叶有限公司", "address": addresses[source], "registered_on": "2001-02-03"}
        table = {name: [value, *rest[name]] for name, value in first.items()}
        load(tmp_path, source, [f"{source[0].upper()}{row}" for row in range(21)], table, ", form: own-number")
    config = tmp_path / "config.yaml"
    config.write_text(BY_ADDRESS.replace("register: organisations", "register: people"), "utf-8")
    with pytest.raises(Refused, match="is for people, not for organisations"):
        actions.link_stored("organisations", by=SYSTEM, at=clock.now(), config=config)
    config.write_text(BY_ADDRESS, "utf-8")
    actions.link_stored("organisations", by=SYSTEM, at=clock.now(), config=config)
    pair = RecordLink.objects.get(left_key="market:M0", right_key="tax:T0")
    held = next(held for name, held, _bits in pair.parts if name == "address")
    with override("zh-hans"):
        assert (held, held_words(held)) == ("same address", "地址相同")


def test_entries_are_one_over_any_number_of_joins() -> None:
    assert one_with("a", [("b", "a"), ("b", "c"), ("x", "y")]) == ["b", "c"]


def test_each_bar_begins_where_the_one_before_ended() -> None:
    bars = waterfall([("start", "", -4.0), ("name", "the same", 10.0), ("address", "differs", -2.0)], 100)
    assert [(bar.left, bar.width) for bar in bars] == [(0, 40), (0, 100), (80, 20)]
    assert bars[-1].total == 4.0
