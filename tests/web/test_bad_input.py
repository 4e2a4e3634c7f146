"""What no page expects: whoever it comes from, there is a sentence, no effect, and no defect."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.core.cache import cache
from django.test import Client
from django.urls import get_resolver
from django.utils import translation

from cityloom.drills.models import DrillRun
from cityloom.emergency.models import Notice, Proposal
from cityloom.gate import actions as gate
from cityloom.keeper.client import KeeperDown
from cityloom.kernel import clock, ids
from tests.web.conftest import City
from tests.web.test_crossing import ALL, BEHIND_SIGN_IN, FOR_EVERYONE, FOR_RESIDENTS, addresses, resident
from tests.web.test_pages import Proposal as Shown
from tests.web.test_pages import approve, read, text

pytestmark = pytest.mark.django_db
SignIn = Callable[[str], Client]
__all__ = ["resident"]
IDS = ("0" * 26, "<script>alert(1)</script>\u202e'\x00" + "é😀" * 100)
INSTANTS = ("x", "\x00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-13-45", "²", "9" * 4000)
ROLES = ("commander", "worker-0001")


@pytest.fixture(autouse=True)
def _own_language() -> Iterator[None]:
    with translation.override("en"):  # the last page's language would stay with the tests that follow
        yield


def routes_with_ids() -> list[str]:
    return [path for path, _, _ in addresses(get_resolver().url_patterns) if re.search(r"/x[/.]|/x$", path)]


def counts() -> dict[str, int]:
    """How many rows there are of everything but sessions and sent forms."""
    kept = [model for model in apps.get_models() if model.__module__.startswith("cityloom.")]
    return {model.__name__: model.objects.count() for model in kept if model.__name__ not in ("SentForm", "Session")}


def calm(client: Client) -> Client:
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize("who", ["nobody", "commander"])
def test_an_id_that_there_is_not_is_answered_with_a_sentence(city: City, signed_in: SignIn, who: str) -> None:
    client = calm(Client() if who == "nobody" else signed_in(who))
    found = {}
    for route in routes_with_ids():
        for odd in IDS:
            path = re.sub(r"(?<=/)x(?=[/.]|$)", lambda _, odd=odd: quote(odd, safe=""), route)
            answer = client.get(path)
            if answer.status_code >= 500 or (answer.status_code == 404 and not answer.content):
                found[path] = answer.status_code
            assert b"<script>alert" not in answer.content
    assert not found


@pytest.mark.parametrize("who", ["nobody", "resident", *ROLES])
def test_empty_forms_change_nothing_whoever_sends_them(
    city: City, incident_id: str, signed_in: SignIn, resident: Client, who: str
) -> None:
    client = calm(Client() if who == "nobody" else resident if who == "resident" else signed_in(who))
    before, broken = counts(), {}
    for route, _, _ in ALL:
        path = route.replace("/incidents/x/", f"/incidents/{incident_id}/")
        needs_a_field = path != f"/incidents/{incident_id}/propose/" and "sign-out" not in path
        if needs_a_field and client.post(path, {}).status_code >= 500:
            broken[path] = who
    assert not broken
    assert {name: count for name, count in counts().items() if count != before[name]} == {}


def filled(proposal: Shown, notice: str) -> dict[str, object]:
    """Every field of the forms of those who work here, so that nothing but the role is missing."""
    return {
        "proposal": proposal.id, "digest": proposal.digest, "role": "commander", "reason": "medical", "text": "Words.",
        "action": "cancel", "confirmed": "yes", "incident": proposal.incident_id, "hazard_radius_m": "60",
        "buffer_m": "60", "scenario": "sinkhole", "pace": "1", "approves": "people", "key": "K", "kind": "keeper-down",
        "matter": "INC-1", "dwelling": "1", "people": "1", "person": "1", "fields_wanted": ["name"],
        "fields_granted": ["name"], "holder": "x", "until": "2026-12-01T10:00", "purpose": "case-handling",
        "version": "1", "decision": "approve", "number": "1", "about": notice, "outcome": "justified",
        "service": "city", "pseudonym": "x" * 8, "batch": "x" * 26, "national_id": "110101190001010000",
        "question": "age-at-least", "argument": "60", "account": "x" * 26, "event": notice, "handler": "x",
    }  # fmt: skip


def stored() -> dict[str, object]:
    """What the tables say, but for sessions and forms that were sent; of the large ones how much."""
    rest = {name: count for name, count in counts().items() if "Session" not in name}
    small = [model for model in apps.get_models() if 0 < rest.get(model.__name__, 0) < 300]
    return rest | {model.__name__: list(model.objects.order_by("pk").values()) for model in small
                   if model.__name__ != "Account"}  # fmt: skip


@pytest.mark.parametrize("who", ["nobody", "resident", "auditor", "water"])
def test_whole_forms_from_those_who_may_not_send_them_change_nothing(
    city: City, proposal: Shown, signed_in: SignIn, resident: Client, who: str
) -> None:
    notice, drill = ids.new_ulid(), ids.new_ulid()
    Notice.objects.create(id=notice, incident_id=proposal.incident_id, proposal_id=proposal.id, department="fire",
                          asks={}, sent_at=clock.now())  # fmt: skip
    DrillRun.objects.create(exercise_id=drill, scenario="sinkhole", document={}, lon=0.0, lat=0.0, is_paced=True,
                            started_at=clock.now())  # fmt: skip
    client = calm(Client() if who == "nobody" else resident if who == "resident" else signed_in(who))
    before, form, odd = stored(), filled(proposal, notice), {}
    own = FOR_RESIDENTS if who == "resident" else set()
    for route, _, name in BEHIND_SIGN_IN:
        if name in FOR_EVERYONE | own or name.startswith(("account_", "mfa_", "set-theme", "step-up")):
            continue
        path = route.replace("/incidents/x/", f"/incidents/{proposal.incident_id}/").replace(
            "/notices/x/", f"/notices/{notice}/").replace("/drills/x/", f"/drills/{drill}/")  # fmt: skip
        answer = client.post(path, form)
        expected = {"nobody": {302}, "resident": {403}}.get(who, {200, 302, 403, 404, 405, 409, 422})
        said = answer.status_code < 400 or answer.status_code == 405 or text(answer)
        if answer.status_code not in expected or not said:
            odd[path] = answer.status_code
    assert odd == {}
    assert stored() == before


@pytest.mark.parametrize("at", INSTANTS)
def test_no_instant_breaks_a_page(city: City, incident_id: str, signed_in: SignIn, at: str) -> None:
    commander = calm(signed_in("commander"))
    paths = ("/", f"/incidents/{incident_id}/", "/map/", "/map/live/incidents.json", "/map/layers.json")
    assert {path for path in paths if commander.get(path, {"at": at}).status_code >= 500} == set()


def test_head_is_answered_wherever_get_is(city: City, signed_in: SignIn) -> None:
    client = calm(Client())
    for path, _, _ in ALL:
        if "x" not in path:
            assert (path, client.head(path).status_code) == (path, client.get(path).status_code)
    assert signed_in("commander").head("/").status_code == 200


def test_a_way_back_to_a_form_after_signing_in_leads_somewhere(city: City, incident_id: str, signed_in: SignIn) -> None:
    page = signed_in("commander").get(f"/incidents/{incident_id}/approve/")
    assert page.status_code == 405
    assert page["Allow"] == "POST"
    assert "There is nothing to read at this address" in text(page)


def test_a_reason_for_sending_back_is_not_in_clear(signed_in: SignIn, proposal: Shown) -> None:
    commander = signed_in("commander")
    form = {"proposal": proposal.id, "reason": "Mrs Chen <b>lives</b> outside."}
    path = f"/incidents/{proposal.incident_id}/send-back/"
    page = commander.post(path, form, follow=True)
    assert "Mrs Chen &lt;b&gt;lives&lt;/b&gt; outside." in page.content.decode()
    assert b"Chen" not in bytes(Proposal.objects.get(id=proposal.id).sent_back_sealed)
    assert "Chen" not in signed_in("auditor").get(f"/incidents/{proposal.incident_id}/").content.decode()
    late = approve(signed_in("approver"), proposal)
    assert late.status_code in (403, 409)


def test_sending_back_without_a_keeper_decides_nothing(
    signed_in: SignIn, proposal: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(**_: object) -> None:
        raise KeeperDown

    monkeypatch.setattr(gate, "seal_texts", down)
    commander = signed_in("commander")
    form = {"proposal": proposal.id, "reason": "Wider."}
    page = commander.post(f"/incidents/{proposal.incident_id}/send-back/", form)
    assert page.status_code == 503
    assert "The keeper does not answer" in text(page)
    assert Proposal.objects.get(id=proposal.id).sent_back_at is None


@pytest.mark.parametrize("who", ["commander", "dpo"])
def test_without_a_keeper_every_page_says_what_cannot_be_shown(
    city: City, proposal: Shown, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch, settings: LazySettings, who: str
) -> None:
    client = calm(signed_in(who))
    cache.clear()
    monkeypatch.setitem(settings.CITYLOOM, "KEEPER_SOCKET", Path("/nowhere/keeper"))
    form, odd, silent = filled(proposal, "x"), {}, set()
    for route, _, name in ALL:
        path = route.replace("/incidents/x/", f"/incidents/{proposal.incident_id}/")
        if "/x" in path or name in ("sign-out", "account_logout") or name.startswith("mfa_"):
            continue
        answers = [client.get(path)] + ([] if "/incidents/" in path else [client.post(path, form)])
        for answer in answers:
            if answer.status_code >= 500:
                silent.add(path)
                if answer.status_code != 503 or "The keeper does not answer" not in answer.content.decode():
                    odd[path] = answer.status_code
    assert odd == {}
    assert f"/incidents/{proposal.incident_id}/" not in silent, "the room stands without the words of its log"
    assert "/" not in silent


def test_other_hosts_and_forged_forms_are_refused_politely(city: City) -> None:
    client = Client(enforce_csrf_checks=True)
    forged = client.post("/report/", {})
    assert forged.status_code == 403
    assert "The form could not be taken" in text(forged)
    client = calm(Client())
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400
    for address in ("/theme/", "/language/"):
        for elsewhere in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
            answer = client.post(address, {"next": elsewhere, "theme": "dark", "language": "en"})
            assert "evil" not in answer["Location"]
            assert "javascript" not in answer["Location"]


def test_the_sign_that_postgresql_does_not_store_reaches_no_table(city: City, signed_in: SignIn) -> None:
    commander = calm(signed_in("commander"))
    sent = {"incident": "a\0b", "proposal": "\0", "role": "commander", "reason": "x"}
    for answer in (
        commander.get("/alerts/%00/"), commander.get("/incidents/a%00b/"),
        commander.post("/notices/x/acknowledge/", sent), commander.post("/incidents/x/send-back/", sent),
    ):  # fmt: skip
        assert answer.status_code == 400
        assert "This could not be read" in text(answer)
    commander.cookies["sessionid"] = "abcdefgh\0ij"
    assert commander.get("/incidents/x/")["Location"].startswith("/sign-in/")


def test_marks_that_turn_the_writing_stay_in_the_field_that_they_were_typed_in(city: City) -> None:
    """A sentence that repeats them would be turned with them."""
    client, odd = Client(), "ab\u202ecd\u2066ef"
    pages = [client.get("/services/", {"q": odd}), client.get("/sensors/", {"street": odd}),
             client.get("/search/", {"q": odd})]  # fmt: skip
    wrong = {"category": odd, "street": odd, "kind": odd, "district": odd, "severity": odd, "email": "x"}
    pages += [client.post("/report/", wrong), client.post("/places/", wrong)]
    for page in pages:
        assert not set(read(page).text_content()) & set(odd[2] + odd[5])
    assert odd in read(pages[3]).xpath("//input[@name='street']/@value")


@pytest.mark.parametrize("value", ["x" * 3000, "<script>", "%E2%80%AE", "dark; Path=/", "zh-hans-"])
def test_odd_cookies_change_nothing(city: City, value: str) -> None:
    client = calm(Client())
    for name in ("cityloom_theme", "django_language", "sessionid", "csrftoken", "cityloom_device"):
        client.cookies[name] = value
    page = client.get("/portal/")
    assert page.status_code == 200
    assert read(page).get("data-theme") is None
