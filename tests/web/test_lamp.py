"""A broken lamp from both doors: the form and an Open311 client; routed, joined, done and confirmed."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.test import Client

from cityloom.bus import actions as bus
from cityloom.cases import actions, queries
from cityloom.cases.models import Case, CaseEvent, CaseVerdict
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from tests.cases.test_routing_pages import RULES
from tests.web.conftest import City
from tests.web.test_pages import SignIn, text
from tests.web.test_report import send  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db
WORDS = "The street light no 4312 at the corner is out"
Send = Callable[..., object]


def step(desk: Client, case_id: str, name: str, **sent: str) -> None:
    answer = desk.post(f"/cases/{case_id}/step/", {"step": name} | sent, follow=True)
    assert answer.status_code == 200, text(answer)


def test_one_lamp_two_reports_one_repair(city: City, send: Send, signed_in: SignIn) -> None:  # noqa: F811
    actions.put_routing(text=RULES, by=SYSTEM, at=clock.now())
    page = send(category="street-light", words=WORDS)
    follow = page.redirect_chain[-1][0].partition("?")[0]
    first = Case.objects.get()
    key = actions.make_key(owner="An app", by=SYSTEM, at=clock.now())
    filed = Client().post("/open311/v2/requests.json", {
        "api_key": key, "service_code": "street-light", "lat": f"{city.lat:.6f}", "long": f"{city.lon:.6f}",
        "description": WORDS,
    })  # fmt: skip
    number = json.loads(filed.content)[0]["service_request_id"]
    bus.drain(at=clock.now())
    second = Case.objects.exclude(id=first.id).get()
    assert (second.matter, second.state, second.is_open) == (first.id, "joined", False)
    assert Case.objects.get(id=first.id).unit == "city/traffic"
    assert CaseEvent.objects.get(case__id=first.id, kind="routed").data["rule"] == "lamps"
    told = json.loads(Client().get(f"/open311/v2/requests/{number}.json?extensions=true").content)[0]
    assert told["extended_attributes"]["status"] == "DUPLICATE"
    desk = signed_in("traffic")
    assert WORDS in text(desk.get(f"/cases/{first.id}/"))
    step(desk, first.id, "accept")
    step(desk, first.id, "finish", reason="The bulb is new", result="solved")
    assert "The bulb is new" in text(Client().get(follow))
    said = Client().post(f"{follow}solved/", {"solved": "yes", "satisfaction": "5"}, follow=True)
    assert "The matter is closed" in text(said)
    bus.drain(at=clock.now())
    assert not Case.objects.filter(is_open=True).exists()
    assert list(CaseVerdict.objects.values_list("solved", "satisfaction")) == [("yes", 5)]
    assert [one.kind for one in queries.history_of(second.id)][-1] == "followed"
