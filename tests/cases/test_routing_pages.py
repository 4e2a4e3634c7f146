"""Routing rules are put in force on a page where their conflicts are seen first; classifiers likewise."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from cityloom.accounts.models import Account
from cityloom.cases import actions, queries
from cityloom.cases.models import RoutingVersion
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from tests.cases.conftest import NOW

pytestmark = pytest.mark.django_db
Officials = dict[str, Actor]
RULES = """cityloom: 1
routing: pilot
title: {en: Pilot, zh-hans: 试点}
otherwise: city/social
rules:
- {rule: lamps, unit: city/traffic, when: {category: [street-light]}}
- {rule: water, unit: city/water, when: {category: [water, flooding]}}
"""
SECOND = RULES + "- {rule: signals, unit: city/police, when: {category: [lights-signs], channel: [call]}}\n"


def page(name: str, address: str, **sent: Any) -> Any:
    client = Client()
    client.post("/sign-in/demo/", {"account": Account.objects.get(username=name).pk})
    return client.post(address, sent, follow=True) if sent else client.get(address)


def test_rules_are_versions_and_withdrawn_ones_come_back(officials: Officials) -> None:
    boss = officials["supervisor"]
    assert queries.rules_in_force() is None
    first = actions.put_routing(text=RULES, by=boss, at=NOW)
    other = actions.put_routing(text=RULES.replace("pilot", "other"), by=boss, at=NOW + timedelta(hours=1))
    assert (first, other) == (1, 2)
    assert actions.put_routing(text=RULES, by=boss, at=NOW + timedelta(hours=2)) == 1
    actions.withdraw_routing(by=boss, at=NOW + timedelta(hours=3))
    assert queries.rules_in_force() is None
    assert [(step.number, step.by) for step in queries.rules_history()] == [
        (None, boss.account), (1, boss.account), (2, boss.account), (1, boss.account)]  # fmt: skip
    assert queries.rules_text(2).startswith("cityloom: 1\nrouting: other")
    with pytest.raises(Refused, match="no version 9"):
        queries.rules_text(9)


@pytest.mark.parametrize(("text", "code", "says"), [
    (SECOND, "cases.rules_clash", "lamps – signals"),
    (SECOND.replace(", channel: [call]", "").replace("lights-signs", "street-lamp"), "cases.rules_clash", "signals"),
    (RULES + "- {rule: late, unit: city/water, when: {category: [water-burst]}}\n", "cases.rules_idle", "late"),
    (RULES.replace("otherwise: city/social\n", ""), "cases.rules_gap", "noise"),
    (RULES.replace("city/water", "city/waters"), "cases.rules_unit", "city/waters"),
    (RULES.replace("street-light", "street-lights"), "cases.rules_unfit", "no category street-lights"),
])  # fmt: skip
def test_rules_that_contradict_themselves_are_refused_with_what_does(
    officials: Officials, text: str, code: str, says: str
) -> None:
    with pytest.raises(Refused, match=says) as refused:
        actions.put_routing(text=text, by=officials["supervisor"], at=NOW)
    assert refused.value.code == code
    assert not RoutingVersion.objects.exists()


def test_only_those_who_may_change_what_routes(officials: Officials) -> None:
    clerk = officials["clerk"]
    for deed in (lambda: actions.put_routing(text=RULES, by=clerk, at=NOW),
                 lambda: actions.withdraw_routing(by=clerk, at=NOW),
                 lambda: actions.use_classifier(number=0, by=clerk, at=NOW),
                 lambda: actions.stop_classifier(by=clerk, at=NOW)):  # fmt: skip
        with pytest.raises(Refused) as refused:
            deed()
        assert refused.value.code == "cases.may_not_rule"


def test_the_page_shows_conflicts_before_rules_are_put(officials: Officials) -> None:
    address = "/cases/routing/"
    seen = page("clerk", address).content.decode()
    assert "No rules are in force" in seen and "Put these rules in force" not in seen
    clash = page("supervisor", address, action="check", text=SECOND)
    assert (clash.status_code, "only the order decides" in clash.content.decode()) == (422, True)
    assert "Put these rules in force" not in clash.content.decode()
    fine = page("supervisor", address, action="check", text=RULES).content.decode()
    assert "Put these rules in force" in fine and "They go to" in fine
    assert not RoutingVersion.objects.exists()
    put = page("supervisor", address, action="put", text=RULES).content.decode()
    assert "In force: version 1" in put and "Street light" in put
    tried = page("clerk", address, action="try", category="", words="路灯不亮，没人管").content.decode()
    assert "By rule lamps of version 1." in tried and "by the classifier" in tried
    asked = page("clerk", address, action="try", category="something-else", words="please help").content.decode()
    assert "a person looks at it" in asked
    assert page("clerk", address, action="try", category="noise", lon="200").status_code == 422
    gone = page("supervisor", address, action="withdraw").content.decode()
    assert "No rules are in force any more" in gone and "withdrawn" in gone


def test_a_classifier_is_kept_used_with_a_threshold_and_taken_back(officials: Officials) -> None:
    boss = officials["steward"]
    now = queries.classifier_in_force()
    assert now is not None and (now.number, now.threshold) == (0, now.model.threshold)
    number = actions.keep_classifier(model=queries.shipped_classifier(), by=boss, at=clock.now())
    assert number == actions.keep_classifier(model=queries.shipped_classifier(), by=boss, at=clock.now()) == 1
    seen = page("steward", "/cases/classifier/", action="use", number="1", threshold="0.95").content.decode()
    assert "Version 1 listens to new cases" in seen and "made-up reports" in seen and "<svg" in seen
    now = queries.classifier_in_force()
    assert now is not None and (now.number, now.threshold) == (1, 0.95)
    assert now.model.categories == queries.shipped_classifier().categories
    assert page("steward", "/cases/classifier/", action="use", number="1", threshold="7").status_code == 422
    assert "no version 8" in page("steward", "/cases/classifier/", action="use", number="8").content.decode()
    page("steward", "/cases/classifier/", action="off")
    assert queries.classifier_in_force() is None
