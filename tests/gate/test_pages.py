"""The pages of the gate: what each role sees and may do, and that no page keeps or names what it opened."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation
from lxml import html

from cityloom.accounts import actions as accounts
from cityloom.accounts.queries import DemoAccount
from cityloom.gate import actions, display, jobs, queries, urls
from cityloom.gate.domain import documents, reasons
from cityloom.gate.models import AdverseStatus, Contest, Envelope, GateAlarm, GlassReview, GrantRecord
from cityloom.keeper import protocol
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.registers import actions as registers
from cityloom.registers import queries as places
from tests.keeper.conftest import ENROLMENT
from tests.web.conftest import AT, kept_until_the_end

pytestmark = pytest.mark.django_db
SignIn = Callable[[str], Client]
PAGES = (
    "/gate/", "/gate/dwellings/", "/gate/glass/", "/gate/purposes/", "/gate/oversight/", "/gate/audit/",
    "/gate/statuses/",
)  # fmt: skip


@dataclass(frozen=True)
class City:
    """The demo accounts by user name, and people with their names, ids and homes."""

    people: dict[str, DemoAccount]
    dwelling: int
    subjects: list[int]
    names: list[str]
    ids: list[str]


@pytest.fixture(scope="module")
def city(keeper: actions.Running, django_db_setup: None, django_db_blocker) -> Iterator[City]:
    with django_db_blocker.unblock(), kept_until_the_end():
        registers.build_synthetic(2000, seed=11, by=SYSTEM, at=AT)
        made = accounts.create_demo_accounts(workers=[], by=SYSTEM, at=AT)
        dwelling, subjects = _a_family()
        people = {one.username: one for one in made}
        known = _opened(people["dpo"], people["steward"], subjects)
        names, ids = ([known[subject][field] for subject in subjects] for field in ("name", "national_id"))
        yield City(people, dwelling, subjects, names, ids)


def _a_family() -> tuple[int, list[int]]:
    """The first dwelling where three people or more live."""
    from cityloom.registers.models import Resident

    for dwelling in Resident.objects.order_by("dwelling_id").values_list("dwelling_id", flat=True):
        found = places.residents_in([dwelling])
        if len(found) >= 3:
            return dwelling, found
    raise LookupError


def _opened(officer: DemoAccount, steward: DemoAccount, subjects: list[int]) -> dict[int, dict[str, str]]:
    """Who they are, opened as a steward who corrects the register would."""
    at, fields = clock.now(), ["name", "national_id"]
    grant = actions.grant(
        by=officer.actor, at=at, purpose=queries.REGISTER, subjects=subjects, fields=fields, holder=steward.account,
        until=at + timedelta(hours=1),
    )  # fmt: skip
    return actions.open_people(by=steward.actor, at=at, grant_id=grant, subjects=subjects, fields=fields)


@pytest.fixture
def signed_in(city: City, db: None) -> SignIn:
    def sign_in(username: str) -> Client:
        client = Client()
        response = client.post("/sign-in/demo/", {"account": city.people[username].account})
        assert response.status_code == 302, response.content
        return client

    return sign_in


@pytest.fixture
def proven(signed_in: SignIn) -> SignIn:
    """The same, with a fresh step-up."""

    def sign_in(username: str) -> Client:
        client = signed_in(username)
        assert client.post("/step-up/demo/").status_code == 302
        return client

    return sign_in


def main(response) -> html.HtmlElement:
    return html.fromstring(response.content.decode()).xpath("//main")[0]


def text(response) -> str:
    return " ".join(main(response).text_content().split())


def buttons(response) -> dict[str, bool]:
    return {b.text_content().strip(): "disabled" not in b.attrib for b in main(response).xpath(".//button")}


def headings(response) -> list[str]:
    return [one.text_content().strip() for one in main(response).xpath(".//h2")]


def local(days: float) -> str:
    return (clock.now() + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")


def assign(client: Client, city: City, /, **over: object):
    form = {
        "matter": "CASE-2026-17", "holder": city.people["clerk"].account, "fields_granted": ["name", "birth_date"],
        "until": local(2), "dwellings": str(city.dwelling), "people": "",
    } | over  # fmt: skip
    return client.post("/gate/assign/case-handling/", form, follow=True)


def assigned(signed_in: SignIn, city: City, /, **over: object) -> GrantRecord:
    answer = assign(signed_in("supervisor"), city, **over)
    assert "Granted for" in text(answer), text(answer)
    return GrantRecord.objects.latest("granted_at")


# Grants.


def test_a_supervisor_assigns_and_a_clerk_opens_exactly_that(signed_in: SignIn, city: City) -> None:
    grant = assigned(signed_in, city)
    assert grant.subjects == city.subjects
    clerk = signed_in("clerk")
    listed = text(clerk.get("/gate/"))
    assert "CASE-2026-17" in listed
    assert "Personal Information Protection Law, Article 13(1)(3)" in listed
    page = clerk.get(f"/gate/grants/{grant.id}/")
    assert not any(name in text(page) for name in city.names)
    opened = clerk.post(f"/gate/grants/{grant.id}/open/", {"person": ["1", "3"], "fields_wanted": ["name"]})
    cells = [one.text_content() for one in main(opened).xpath("//section[@aria-labelledby='opened']//td")]
    assert cells == [city.names[0], city.names[2]]
    assert "the resident sees that you looked" in text(opened)
    assert opened.headers["Cache-Control"] == "no-store"
    assert city.names[0] not in opened.content.decode().partition("</title>")[0]
    assert city.names[0] not in clerk.get(f"/gate/grants/{grant.id}/").content.decode()


def test_what_is_not_in_the_grant_cannot_be_sent(signed_in: SignIn, city: City) -> None:
    grant = assigned(signed_in, city)
    clerk = signed_in("clerk")
    for form in (
        {"person": ["1"], "fields_wanted": ["national_id"]}, {"person": ["99"], "fields_wanted": ["name"]},
        {"person": ["1"]}, {"fields_wanted": ["name"]},
    ):  # fmt: skip
        answer = clerk.post(f"/gate/grants/{grant.id}/open/", form)
        assert answer.status_code == 422
        assert not main(answer).xpath("//section[@aria-labelledby='opened']")
    other = signed_in("supervisor-2")
    assert other.get(f"/gate/grants/{grant.id}/").status_code == 403
    assert other.post(f"/gate/grants/{grant.id}/open/", {"person": ["1"], "fields_wanted": ["name"]}).status_code == 403


def test_questions_are_answered_without_showing_anything(signed_in: SignIn, city: City) -> None:
    grant = assigned(signed_in, city)
    clerk, address = signed_in("clerk"), f"/gate/grants/{grant.id}/ask/"
    asked = {"person": ["1", "2"], "question": "lives-in", "dwellings": str(city.dwelling)}
    answers = clerk.post(address, asked)
    cells = [one.text_content() for one in main(answers).xpath("//section[@aria-labelledby='answers']//td")]
    assert cells == ["Yes", "Yes"]
    elsewhere = clerk.post(address, asked | {"dwellings": str(city.dwelling + 1)})
    assert "No" in [one.text_content() for one in main(elsewhere).xpath("//section[@aria-labelledby='answers']//td")]
    same = clerk.post(address, {"person": ["1", "2"], "question": "same-household"})
    assert "Yes" in text(same)
    odd = clerk.post(address, {"person": ["1"], "question": "age-at-least", "argument": "old"})
    assert odd.status_code == 409
    assert "whole number of years" in text(odd)
    stated = clerk.post(address, {"person": ["1"], "question": "is", "argument": f"name={city.names[0]}"})
    assert "Yes" in text(stated)
    assert city.names[0] not in stated.content.decode()


def test_a_search_is_posted_says_what_it_costs_and_finds(signed_in: SignIn, city: City) -> None:
    clerk = signed_in("clerk")
    assert "A search counts as an opening" in text(clerk.get("/gate/"))
    found = clerk.post("/gate/search/", {"national_id": city.ids[1]})
    assert str(city.subjects[1]) in text(found)
    assert city.ids[1] not in found.content.decode()
    assert "nobody with that number" in text(clerk.post("/gate/search/", {"national_id": "110101190001010000"}))
    assert clerk.get("/gate/search/", {"national_id": city.ids[1]}).url == "/gate/"


def test_nothing_that_is_logged_kept_or_addressed_names_anybody(
    signed_in: SignIn, city: City, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    grant = assigned(signed_in, city)
    clerk, commander = signed_in("clerk"), signed_in("commander")
    answers = [
        clerk.post("/gate/search/", {"national_id": city.ids[0]}),
        clerk.post("/gate/search/", {"national_id": city.ids[0] * 3}),
        clerk.post(f"/gate/grants/{grant.id}/open/", {"person": ["1"], "fields_wanted": ["name"]}),
        clerk.post(f"/gate/grants/{grant.id}/ask/", {"person": ["1"], "question": "is", "argument": city.names[0]}),
        commander.post("/gate/glass/break/", {"reason": "medical", "matter": "INC-1", "national_id": city.ids[0],
                                              "fields_wanted": ["name", "national_id"]}),
    ]  # fmt: skip
    secrets = [*city.names, *city.ids]
    heads = [answer.content.decode().partition("</title>")[0] for answer in answers]
    links = [link for answer in answers for link in main(answer).xpath("//@href | //@action | //@formaction")]
    cookies = [one.value for client in (clerk, commander) for one in client.cookies.values()]
    for place in (caplog.text, *heads, *links, *cookies):
        assert not any(secret in place for secret in secrets)
    assert city.names[0] in text(answers[-1])


def test_who_may_not_search_sees_why(signed_in: SignIn, city: City) -> None:
    supervisor = signed_in("supervisor")
    page = supervisor.get("/gate/")
    assert buttons(page)["Search"] is False
    assert "This needs another role than yours (case-handler)" in text(page)
    assert supervisor.post("/gate/search/", {"national_id": city.ids[0]}).status_code == 403


def test_a_dwelling_is_found_by_its_address_and_nobody_in_it(signed_in: SignIn, city: City) -> None:
    address = places.addresses([city.dwelling])[city.dwelling]
    street, _space, number = address.partition(",")[0].rpartition(" ")
    supervisor = signed_in("supervisor")
    found = supervisor.post("/gate/dwellings/", {"street": street.upper(), "house_number": number})
    rows = {row.xpath("string(th)"): row.xpath("string(td)") for row in main(found).xpath("//tbody/tr")}
    assert rows[str(city.dwelling)] == address
    assert not any(str(subject) in found.content.decode() for subject in city.subjects if subject > 10**6)
    none = supervisor.post("/gate/dwellings/", {"street": "Nowhere", "house_number": "1"})
    assert "No dwelling is registered" in text(none)
    assert supervisor.post("/gate/dwellings/", {"street": street}).status_code == 422


@pytest.mark.parametrize("wrong", [
    {"matter": "Wang Fang"}, {"until": "soon"}, {"people": "one two"}, {"dwellings": ""}, {"holder": "somebody"},
    {"fields_granted": ["national_id"]}, {"people": "9" * 30}, {"people": " ".join(map(str, range(5001)))},
])  # fmt: skip
def test_a_bad_assignment_is_refused_with_a_sentence(signed_in: SignIn, city: City, wrong: dict) -> None:
    answer = assign(signed_in("supervisor"), city, **wrong)
    assert answer.status_code == 422
    assert main(answer).xpath("//div[contains(@class, 'summary')]//li")
    assert not GrantRecord.objects.exclude(purpose=queries.REGISTER).exists()


def test_a_holder_comes_from_ones_own_unit_and_role(signed_in: SignIn, city: City) -> None:
    page = signed_in("supervisor").get("/gate/assign/case-handling/")
    assert [one.text for one in main(page).xpath("//select[@name='holder']/option")] == ["clerk (city/social)"]
    assert signed_in("clerk").get("/gate/assign/case-handling/").status_code == 403
    assert signed_in("supervisor").get("/gate/assign/no-such/").status_code == 403


def test_a_grant_for_many_waits_for_another_person_with_a_step_up(
    signed_in: SignIn, proven: SignIn, city: City
) -> None:
    some = registers_subjects()[:60]
    grant = assigned(signed_in, city, people=" ".join(map(str, some)), dwellings="")
    assert grant.needs_second
    page = signed_in("clerk").get(f"/gate/grants/{grant.id}/")
    assert buttons(page)["Open these fields"] is False
    assert "until a second person has approved it" in text(page)
    same = signed_in("supervisor").get("/gate/")
    assert buttons(same)["Approve"] is False
    assert "A second person has to do this" in text(same)
    another = signed_in("supervisor-2")
    asked = another.post(f"/gate/grants/{grant.id}/second/", HTTP_REFERER="http://testserver/gate/")
    assert asked.url == "/step-up/?next=%2Fgate%2F"
    assert proven("supervisor").post(f"/gate/grants/{grant.id}/second/").status_code == 403
    answer = proven("supervisor-2").post(f"/gate/grants/{grant.id}/second/", follow=True)
    assert "Approved" in text(answer)
    wanted = {"person": ["7"], "fields_wanted": ["name"]}
    assert signed_in("clerk").post(f"/gate/grants/{grant.id}/open/", wanted).url.startswith("/step-up/")
    opened = proven("clerk").post(f"/gate/grants/{grant.id}/open/", wanted)
    assert "Opened" in headings(opened)


def registers_subjects() -> list[int]:
    from cityloom.registers.models import Resident

    return list(Resident.objects.order_by("subject").values_list("subject", flat=True))


def test_an_ended_grant_opens_nothing(signed_in: SignIn, city: City) -> None:
    grant = assigned(signed_in, city)
    clerk = signed_in("clerk")
    assert "The grant has ended." in text(clerk.post(f"/gate/grants/{grant.id}/end/", follow=True))
    answer = clerk.post(f"/gate/grants/{grant.id}/open/", {"person": ["1"], "fields_wanted": ["name"]})
    assert answer.status_code == 409
    assert "This grant was ended" in text(answer)
    assert buttons(answer)["Open these fields"] is False


# The glass.


def test_a_commander_breaks_the_glass_and_an_officer_reviews_it(signed_in: SignIn, city: City) -> None:
    form = {"reason": "life-in-danger", "matter": "INC-7", "dwelling": city.dwelling, "fields_wanted": ["name"]}
    answer = signed_in("commander").post("/gate/glass/break/", form)
    assert all(name in text(answer) for name in city.names)
    banner = main(answer).xpath("string(//p[contains(@class, 'alarm')])")
    review = GlassReview.objects.get()
    assert review.due_at - review.broken_at == timedelta(hours=72)
    assert "The data protection officer has been alarmed" in banner
    assert city.names[0] not in signed_in("commander").get("/gate/glass/").content.decode()
    jobs.ring(clock.now())
    officer = signed_in("dpo")
    page = text(officer.get("/gate/oversight/"))
    assert "The glass was broken" in page
    assert "A life is in danger" in page
    number = GateAlarm.objects.filter(kind="glass").latest("number").number
    officer.post("/gate/oversight/alarm/", {"number": number})
    assert GateAlarm.objects.get(number=number).seen_by == city.people["dpo"].account
    bad = officer.post("/gate/oversight/review/", {"about": review.id, "outcome": "fine"})
    assert bad.status_code == 422
    done = officer.post("/gate/oversight/review/", {"about": review.id, "outcome": "justified"}, follow=True)
    assert "Reviewed" in text(done)
    review.refresh_from_db()
    assert review.outcome == "justified"


def test_two_clicks_break_the_glass_once(signed_in: SignIn, city: City) -> None:
    form = {"reason": "medical", "matter": "INC-1", "dwelling": city.dwelling, "fields_wanted": ["name"],
            "once": "w" * 43}  # fmt: skip
    pages = [signed_in("commander").post("/gate/glass/break/", form).content.decode() for _ in range(2)]
    assert all(city.names[0] in page for page in pages), "the second click is what the browser shows"
    assert (GlassReview.objects.count(), GrantRecord.objects.filter(purpose="break-glass").count()) == (1, 1)


def test_breaking_the_glass_by_national_id(signed_in: SignIn, city: City) -> None:
    form = {"reason": "medical", "matter": "INC-8", "national_id": city.ids[0], "fields_wanted": ["name"]}
    answer = signed_in("commander").post("/gate/glass/break/", form)
    assert city.names[0] in text(answer)
    assert city.ids[0] not in answer.content.decode()
    both = signed_in("commander").post("/gate/glass/break/", form | {"dwelling": city.dwelling})
    assert both.status_code == 422
    nobody = signed_in("commander").post("/gate/glass/break/", form | {"national_id": "110101190001010000"})
    assert nobody.status_code == 404


def test_nobody_else_breaks_the_glass(signed_in: SignIn, city: City) -> None:
    page = signed_in("duty").get("/gate/glass/")
    assert buttons(page)["Break the glass and open"] is False
    assert "(commander)" in text(page)
    for whom in ({"dwelling": city.dwelling}, {"national_id": city.ids[0]}):
        form = {"reason": "medical", "matter": "INC-9", "fields_wanted": ["name"]} | whom
        assert signed_in("duty").post("/gate/glass/break/", form).status_code == 403
    assert not GlassReview.objects.exists()


# Purposes.


def uploaded(client: Client, run: bytes):
    return client.post("/gate/purposes/propose/", {"document": io.BytesIO(run)}, follow=True)


def test_a_purpose_is_proposed_from_a_file_and_approved_by_another(signed_in: SignIn, proven: SignIn) -> None:
    document = ENROLMENT | {"purpose": "page-enrolment", "units": ["city/social"]}
    assert "Proposed: another person has to approve it." in text(
        uploaded(signed_in("steward"), json.dumps(document).encode())
    )
    listed = signed_in("dpo").get("/gate/purposes/")
    assert "Compulsory Education Law" in text(listed)
    assert "What would change" in text(listed)
    steward = signed_in("steward").get("/gate/purposes/")
    assert "(data-protection-officer)" in text(steward)
    sent = {"purpose": "page-enrolment", "version": "1", "decision": "approve"}
    assert proven("steward").post("/gate/purposes/decide/", sent).status_code == 403
    assert signed_in("dpo").post("/gate/purposes/decide/", sent).url.startswith("/step-up/")
    assert "in force now" in text(proven("dpo").post("/gate/purposes/decide/", sent, follow=True))
    assert queries.live_purposes()["page-enrolment"]["article"] == "Article 12"
    gone = signed_in("steward").post("/gate/purposes/decide/", sent | {"decision": "withdraw"}, follow=True)
    assert "withdrawn" in text(gone)
    assert "page-enrolment" not in queries.live_purposes()


def test_a_version_begins_with_what_is_in_force_and_shows_what_would_change(signed_in: SignIn) -> None:
    steward = signed_in("steward")
    form = main(steward.get("/gate/purposes/propose/?purpose=case-handling"))
    sent = {one.get("name"): one.get("value") or "" for one in form.xpath("//form[2]//input[@name]")}
    sent["policy"] = form.xpath("string(//form[2]//textarea[@name='policy'])").lstrip().replace("\n", "\r\n")
    assert sent["most_a_day"] == "8000"
    answer = steward.post("/gate/purposes/propose/", sent | {"most_a_day": "70"}, follow=True)
    assert "Proposed" in text(answer), text(answer)
    changed = main(answer).xpath("//section[@aria-labelledby='p-case-handling']//table//tbody/tr")
    rows = {row.xpath("string(th)"): [cell.text_content() for cell in row.xpath("td")] for row in changed}
    assert rows["Most people in a day"] == ["8000", "70"]
    assert "a second person above: 50" in text(answer)
    assert "a second person above: no limit" in text(answer)
    assert set(rows) <= {"Most people in a day", "Valid until"}  # the form keeps no seconds


@pytest.mark.parametrize("run", [
    b"\xff\xfe", b"[", b"- just\n- a list", b"purpose: [x", b"a: &a [x]\nb: [*a, *a]", b"[" * 3000, b"",
    b"!!python/object/apply:os.system ['true']", json.dumps(ENROLMENT | {"fields": ["religion"]}).encode(),
    json.dumps(ENROLMENT | {"policy": "permit (principal, action, resource) when { context.nonsense };"}).encode(),
    json.dumps(ENROLMENT | {"valid_until": "2001-01-01T00:00:00Z"}).encode(), b"x" * (documents.MOST_BYTES + 1),
])  # fmt: skip
def test_a_bad_file_is_refused_with_a_sentence(signed_in: SignIn, run: bytes) -> None:
    answer = uploaded(signed_in("steward"), run)
    if run:
        assert answer.status_code == 409
        assert main(answer).xpath("//p[@role='alert']")
    else:
        assert answer.status_code in (409, 422)
    assert not [row for row in queries.purposes(SYSTEM) if row.purpose == "school-enrolment"]


def test_yaml_says_the_same_as_json() -> None:
    run = b"valid_until: 2099-01-01T00:00:00Z\nfields: [name]\nmost_a_day: 5\n"
    assert json.loads(documents.read_file(run)) == {
        "valid_until": "2099-01-01T00:00:00Z", "fields": ["name"], "most_a_day": 5,
    }  # fmt: skip


def test_of_a_policy_the_lines_that_differ_are_shown() -> None:
    old, new = {"policy": "one\ntwo\nthree\n", "article": "1"}, {"policy": "one\n2\nthree", "article": "1"}
    assert documents.differences(old, new) == [("policy", "two", "2")]
    assert documents.differences(old, old | {"policy": "one\ntwo\nthree"}) == []


# Oversight.


def test_only_the_data_protection_officer_has_oversight(signed_in: SignIn) -> None:
    for username in ("clerk", "steward", "auditor", "commander"):
        assert signed_in(username).get("/gate/oversight/").status_code == 403


def test_an_objection_is_answered_once(signed_in: SignIn, city: City) -> None:
    grant = assigned(signed_in, city)
    signed_in("clerk").post(f"/gate/grants/{grant.id}/open/", {"person": ["1"], "fields_wanted": ["birth_date"]})
    now, entry = clock.now(), queries.log_head().size - 1
    Contest.objects.create(
        id="CONTEST", account_id="resident", leaf_index=entry, reason="too-much", contested_at=now,
        due_at=now + reasons.CONTEST_WITHIN,
    )  # fmt: skip
    officer = signed_in("dpo")
    listed = text(officer.get("/gate/oversight/"))
    assert "Too much was opened" in listed
    assert "opened: Date of birth" in listed
    assert "CASE-2026-17" in listed
    assert "subject" not in queries.entries(city.people["dpo"].actor, [entry])[entry]
    assert queries.entries(city.people["dpo"].actor, [entry + 10**6]) == {}
    answer = officer.post("/gate/oversight/objection/", {"about": "CONTEST", "outcome": "not-justified"}, follow=True)
    assert "Answered" in text(answer)
    assert Contest.objects.get().answered_by == city.people["dpo"].account
    assert signed_in("auditor").post("/gate/oversight/objection/", {"about": "CONTEST", "outcome": "justified"}
                                     ).status_code == 403  # fmt: skip


def test_honey_residents_ring_when_they_are_opened(signed_in: SignIn, proven: SignIn, city: City) -> None:
    sent = {"dwellings": str(city.dwelling)}
    assert signed_in("dpo").post("/gate/oversight/honey/", sent).url.startswith("/step-up/")
    assert signed_in("dpo").post("/gate/oversight/honey/", {}).status_code == 422
    assert f"{len(city.subjects)} people ring" in text(proven("dpo").post("/gate/oversight/honey/", sent, follow=True))
    grant = assigned(signed_in, city)
    signed_in("clerk").post(f"/gate/grants/{grant.id}/open/", {"person": ["1"], "fields_wanted": ["name"]})
    jobs.ring(clock.now())
    assert "A honey resident was opened" in text(signed_in("dpo").get("/gate/oversight/"))


def test_a_person_is_erased_with_the_number_twice_and_a_fresh_proof(
    signed_in: SignIn, proven: SignIn, city: City
) -> None:
    last = city.subjects[-1]
    sent = {"person": str(last), "again": str(last)}
    assert signed_in("dpo").post("/gate/oversight/erase/", sent).url.startswith("/step-up/")
    assert proven("dpo").post("/gate/oversight/erase/", {"person": str(last), "again": "7"}).status_code == 422
    assert proven("auditor").post("/gate/oversight/erase/", sent).status_code == 403
    assert "there is no way back" in text(proven("dpo").post("/gate/oversight/erase/", sent))
    assert Envelope.objects.filter(subject=last).exists()
    sent |= {"confirmed": "yes"}
    assert "Erased" in text(proven("dpo").post("/gate/oversight/erase/", sent, follow=True))
    assert not Envelope.objects.filter(subject=last).exists()
    again = proven("dpo").post("/gate/oversight/erase/", sent, follow=True)
    assert "may have been erased already" in text(again)


def test_a_pseudonym_is_unmasked_among_the_accounts(signed_in: SignIn, proven: SignIn, city: City) -> None:
    form = {"reason": "medical", "matter": "INC-3", "dwelling": city.dwelling, "fields_wanted": ["name"]}
    signed_in("commander").post("/gate/glass/break/", form)
    jobs.ring(clock.now())
    pseudonym = GateAlarm.objects.filter(kind="glass").latest("number").actor
    sent = {"pseudonym": pseudonym, "reason": "alarm"}
    assert signed_in("dpo").post("/gate/oversight/unmask/", sent).url.startswith("/step-up/")
    assert "commander · city/emergency" in text(proven("dpo").post("/gate/oversight/unmask/", sent))
    unknown = proven("dpo").post("/gate/oversight/unmask/", sent | {"pseudonym": "0" * 32})
    assert "None of the accounts" in text(unknown)
    assert proven("dpo").post("/gate/oversight/unmask/", sent | {"reason": "curious"}).status_code == 422


def test_a_stopped_system_goes_on_after_a_step_up(
    signed_in: SignIn, proven: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "breakers", lambda by: [("case-handling", "photo-service", clock.now())])
    assert "photo-service" in text(signed_in("dpo").get("/gate/oversight/"))
    sent = {"purpose": "case-handling", "service": "photo-service"}
    assert signed_in("dpo").post("/gate/oversight/breaker/", sent).url.startswith("/step-up/")
    assert "can open people again" in text(proven("dpo").post("/gate/oversight/breaker/", sent, follow=True))


# Audit.


def test_an_auditor_sees_flows_with_a_total_and_the_key_of_the_log(signed_in: SignIn, city: City) -> None:
    grant = assigned(signed_in, city)
    signed_in("clerk").post(f"/gate/grants/{grant.id}/open/", {"person": ["1", "2"], "fields_wanted": ["name"]})
    page = signed_in("auditor").get("/gate/audit/")
    rows = [[cell.text_content().strip() for cell in row.xpath("td")] for row in
            main(page).xpath("//section[@aria-labelledby='flows']//tbody/tr")]  # fmt: skip
    mine = [row for row in rows if row[1] == "Social affairs" and row[4] == "opened"]
    assert mine
    bars = main(page).xpath("//section[@aria-labelledby='bars']//tbody/tr")
    assert ["Social affairs", "Handling a case"] in [[row.xpath("string(th)"), row.xpath("string(td)")] for row in bars]
    total = main(page).xpath("string(//section[@aria-labelledby='flows']//tfoot//td[2])")
    assert int(total) == sum(int(row[-1]) for row in rows)
    assert "cityloom log verify" in text(page)
    assert re.search(r"\+[0-9a-f]{8}\+", text(page))
    assert not any(name in text(page) for name in city.names)


@pytest.mark.parametrize("days", [
    "first=2026-13-01&last=2026-01-01", "first=x&last=", "first=2026-02-02&last=2026-02-01",
])  # fmt: skip
def test_days_that_are_none_are_refused(signed_in: SignIn, days: str) -> None:
    assert signed_in("auditor").get(f"/gate/audit/?{days}").status_code == 422


def test_purposes_near_their_limits(signed_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    real = queries.purposes
    monkeypatch.setattr(queries, "purposes", lambda by: [
        replace(row, spent_today=7000) if row.purpose == "case-handling" else row for row in real(by)
    ])  # fmt: skip
    near = main(signed_in("auditor").get("/gate/audit/")).xpath("//section[@aria-labelledby='near']//tbody//th")
    assert [one.text for one in near] == ["case-handling"]


# Statuses.


def burden(client: Client, city: City, /, **over: object):
    form = {
        "kind": "access-block", "matter": "DEC-2026-4", "until": local(10), "appeal_until": local(9),
        "evidence": f"{city.subjects[0]} FILE-1\n{city.subjects[1]} FILE-2",
    } | over  # fmt: skip
    return client.post("/gate/statuses/propose/", form, follow=True)


def test_a_status_takes_two_people_and_ends(signed_in: SignIn, proven: SignIn, city: City) -> None:
    assert "Proposed" in text(burden(signed_in("clerk"), city))
    batch = AdverseStatus.objects.first().batch
    clerk = signed_in("clerk").get("/gate/statuses/")
    assert buttons(clerk)["Approve"] is False
    assert signed_in("supervisor").post("/gate/statuses/approve/", {"batch": batch}).url.startswith("/step-up/")
    answer = proven("supervisor").post("/gate/statuses/approve/", {"batch": batch}, follow=True)
    assert "Set:" in text(answer)
    assert AdverseStatus.objects.exclude(set_at=None).count() == 2
    assert "It has ended." in text(signed_in("supervisor").post("/gate/statuses/end/", {"batch": batch}, follow=True))
    assert signed_in("supervisor").post("/gate/statuses/end/", {"batch": "none"}).status_code == 404


def test_whoever_proposed_a_status_cannot_set_it(signed_in: SignIn, proven: SignIn, city: City) -> None:
    burden(signed_in("supervisor"), city)
    page = signed_in("supervisor").get("/gate/statuses/")
    assert buttons(page)["Approve"] is False
    assert "A second person has to do this" in text(page)
    batch = AdverseStatus.objects.first().batch
    assert proven("supervisor").post("/gate/statuses/approve/", {"batch": batch}).status_code == 403
    assert proven("supervisor-2").post("/gate/statuses/approve/", {"batch": batch}).status_code == 302


@pytest.mark.parametrize(("wrong", "said"), [
    ({"evidence": "{0} FILE-1\n{1}"}, "Line 2 has no evidence of its own"),
    ({"evidence": "{0} FILE-1\nWang FILE-2"}, "Line 2 is not a number and a file"),
    ({"evidence": "{0} FILE-1\n{1} FILE-1"}, "evidence of its own for each person"),
    ({"matter": "because"}, "number of a file"), ({"until": local(400)}, "must end by itself within 30 days"),
    ({"appeal_until": local(2)}, "at least 7 days to appeal"), ({"kind": "exile"}, "Choose one of those"),
])  # fmt: skip
def test_what_a_status_lacks_is_said(signed_in: SignIn, city: City, wrong: dict[str, str], said: str) -> None:
    sent = {name: value.format(*city.subjects) for name, value in wrong.items()}
    answer = burden(signed_in("clerk"), city, **sent)
    assert answer.status_code in (409, 422)
    assert said in text(answer)
    assert not AdverseStatus.objects.exists()


def test_in_an_emergency_evidence_may_follow_and_is_missed(signed_in: SignIn, city: City) -> None:
    burden(signed_in("supervisor"), city, emergency="on", evidence=str(city.subjects[0]), until=local(1))
    assert "1 person without evidence of their own" in text(signed_in("dpo").get("/gate/oversight/"))


# Every page.


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_kept_by_nobody_has_captions_and_no_script(signed_in: SignIn, city: City, page: str) -> None:
    assigned(signed_in, city)
    reader = {"/gate/": "clerk", "/gate/glass/": "commander", "/gate/statuses/": "supervisor"}.get(page, "dpo")
    answer = signed_in(reader).get(page)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    inside = main(answer)
    assert inside.xpath("count(.//table)") == inside.xpath("count(.//table/caption)")
    assert not inside.xpath(".//*[@style or @onclick]")
    assert not inside.xpath(".//script")
    assert all(one.get("action") or one.get("method") for one in inside.xpath(".//form"))
    for one in inside.xpath(".//*[@disabled]"):
        assert one.get("aria-describedby"), html.tostring(one)
    labelled = {one.get("for") for one in inside.xpath(".//label")}
    for one in inside.xpath(".//input[not(@type='hidden' or @type='checkbox')] | .//select | .//textarea"):
        assert one.get("id") in labelled, html.tostring(one)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_speaks_chinese(signed_in: SignIn, city: City, page: str) -> None:
    client = signed_in("dpo")
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "zh-hans"
    answer = client.get(page)
    assert re.search(r"[\u4e00-\u9fff]", main(answer).xpath("string(//h1)"))
    assert "目的" in text(client.get("/gate/purposes/"))
    day = main(client.get("/gate/audit/")).xpath("string(//input[@name='first']/@value)")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", day)


def test_every_word_that_can_be_chosen_has_a_name_in_both_languages() -> None:
    for words in display.LISTS:
        assert set(words) <= set(display.WORDS)
    with translation.override("zh-hans"):
        names = [display.word(key) for key in display.WORDS]
        names += [label for _name, label in [*display.fields(display.FIELDS), *display.questions(display.QUESTIONS)]]
        assert all(re.search(r"[\u4e00-\u9fff]", name) for name in names)


def test_every_kind_of_entry_has_a_name() -> None:
    """The kinds are written at many counters of the keeper, so they are read from its text."""
    room = Path(protocol.__file__).parent
    written = re.compile(r'(?:leaf_about\(\s*asked, |leaf\(|log_people\([\w.]+, \w+, )"([a-z-]+)"')
    found = {kind for path in room.glob("*.py") for kind in written.findall(path.read_text())}
    assert len(found) > 20
    assert found <= set(display.WORDS)


ODD = ("", "9" * 40, "9" * 18, "-1", "Infinity", "\u0663", "' OR 1=1 --", "permit(principal);", "\x00", "乱" * 300)


@pytest.mark.parametrize(("who", "turn"), [*(("dpo", turn) for turn in range(0, 10, 2)), ("supervisor", 3)])
def test_nothing_that_is_sent_breaks_a_page(proven: SignIn, city: City, who: str, turn: int) -> None:
    client = proven(who)
    names = (
        "national_id", "matter", "holder", "until", "people", "dwellings", "dwelling", "reason", "fields_wanted",
        "fields_granted", "purpose", "version", "decision", "number", "about", "outcome", "service", "pseudonym",
        "batch", "kind", "evidence", "appeal_until", "street", "house_number", "valid_until", "services", "most_a_day",
        "policy",
    )  # fmt: skip
    for one in urls.urlpatterns:
        address = "/" + str(one.pattern).replace("<str:purpose>", "case-handling").replace("<str:grant_id>", "NONE")
        answer = client.post(address, {name: ODD[(place + turn) % len(ODD)] for place, name in enumerate(names)})
        assert answer.status_code < 500, address
    assert not GrantRecord.objects.exclude(purpose=queries.REGISTER).exists()
    assert not AdverseStatus.objects.exists()


def test_a_form_from_elsewhere_changes_nothing(city: City) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies.update(_cookies_of(city, "clerk"))
    assert strict.post("/gate/search/", {"national_id": city.ids[0]}).status_code == 403


def _cookies_of(city: City, username: str):
    client = Client()
    client.post("/sign-in/demo/", {"account": city.people[username].account})
    return client.cookies


def test_without_the_keeper_a_page_says_so(
    signed_in: SignIn, city: City, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    clerk = signed_in("clerk")
    monkeypatch.setitem(settings.CITYLOOM, "KEEPER_SOCKET", tmp_path / "nobody")
    answer = clerk.get("/gate/")
    assert answer.status_code == 503
    assert main(answer).xpath("//p[@role='alert']")
