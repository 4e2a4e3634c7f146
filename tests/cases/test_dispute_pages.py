"""The pages of disputes: those whom they name work on them there, a supervisor sees that they are there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cityloom.accounts.models import Account
from cityloom.cases.figures import disputes
from cityloom.cases.models import Case, DisputeParty
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from tests.cases.disputing import PacketKeeper, dispute, fake_keeper, somebody

pytestmark = pytest.mark.django_db


@pytest.fixture
def keeper(monkeypatch: pytest.MonkeyPatch) -> PacketKeeper:
    return fake_keeper(monkeypatch)


def signed_in(name: str) -> Client:
    client = Client()
    account = Account.objects.get(username=name).pk
    assert client.post("/sign-in/demo/", {"account": account}).status_code == 302
    return client


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_a_dispute_is_mediated_on_its_page(officials: dict[str, Actor], keeper: PacketKeeper) -> None:
    mediator = somebody("mediator")
    case_id = dispute(officials["clerk"])
    here = f"/cases/{case_id}/"
    clerk, overseer, own = signed_in("clerk"), signed_in("supervisor"), signed_in("mediator")

    def do(client: Client, what: str, **sent: str) -> str:
        return text(client.post(f"{here}dispute/", {"what": what} | sent, follow=True))

    assert overseer.get(here).status_code == 403
    assert "no mediator" in text(overseer.get("/disputes/"))
    named = do(overseer, "name", account=mediator.account, role="mediator", back="named")
    assert "Named." in named and "Neighbours" not in named and "Noise" not in named
    assert "Write down and seal" in text(clerk.get(here))
    first = do(clerk, "party", side="one", capacity="party", name="Li Lei", contact="139")
    assert "Written down and sealed" in first and "Li Lei" not in first
    opened = clerk.post(f"{here}parties/")
    assert "Li Lei" in text(opened) and opened["Cache-Control"] == "no-store" and len(keeper.leaves) == 1
    assert overseer.post(f"{here}parties/").status_code == 403
    assert "Does anything tie you" in text(own.get(here))
    assert "nothing ties you" in do(own, "declare", interest="no")
    clerk.post(f"{here}step/", {"step": "admit", "seen": str(Case.objects.get(id=case_id).revision)})
    day = timezone.localtime(clock.now()) + timedelta(days=1)
    assert "Write the day and the time" in do(clerk, "plan", on="tomorrow", mediator=mediator.account, place="Room 3")
    planned = do(clerk, "plan", on=f"{day:%Y-%m-%dT%H:%M}", mediator=mediator.account, place="Room 3")
    assert "The session is planned" in planned and "Room 3" in planned
    assert "Both spoke" in do(own, "end", number="1", outcome="held", minutes="Both spoke")
    written = do(own, "item", side="one", words="No drums after ten", until=f"{day:%Y-%m-%d}")
    assert "No drums after ten" in written and "It is replaced" in written
    party = DisputeParty.objects.get().pk
    assert "Written down." in do(clerk, "mark", party=party, mark="heard")
    assert clerk.post(f"{here}dispute/", {"what": "gossip"}).status_code == 404
    gone = do(own, "declare", interest="yes")
    assert "somebody else is to be named" in gone
    assert own.get(here).status_code == 403
    refused = overseer.post(f"{here}dispute/", {"what": "name", "account": mediator.account, "role": "mediator",
                                                "back": "named"})  # fmt: skip
    assert (refused.status_code, "stands too near" in text(refused)) == (409, True)
    overseer.cookies["django_language"] = "zh-hans"
    clerk.cookies["django_language"] = "zh-hans"
    assert "纠纷" in text(overseer.get(f"/disputes/{case_id}/")) and "当事人" in text(clerk.get(here))


def test_figures_of_disputes_hide_what_is_few(officials: dict[str, Actor], keeper: PacketKeeper) -> None:
    clerk = officials["clerk"]
    for category, count in (("noise", 21), ("rent", 3), ("wages", 11)):
        for _ in range(count):
            dispute(clerk, category=category)
    Case.objects.update(opened_at=disputes._months(clock.now())[1] - timedelta(days=2))
    client = signed_in("auditor")
    shown = text(client.get("/disputes/figures/"))
    assert "≤ 7 *" in shown and ">20<" in shown and ">35<" in shown and ">10<" not in shown and ">3<" not in shown
    file = client.get("/disputes/figures/?by=category&over=outcome&as=csv").content.decode("utf-8-sig")
    assert [line.rpartition(",")[2] for line in file.splitlines()] == ["All", "20", "", "", "35"]
    assert client.get("/disputes/figures/?by=person").status_code == 409
    for by in disputes.BY:
        assert client.get(f"/disputes/figures/?by={by}").status_code == 200
