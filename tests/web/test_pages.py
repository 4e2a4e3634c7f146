"""What people see and can do, page by page."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import is_dataclass

import pytest
from django.test import Client
from lxml import etree, html

from cityloom.alerts import events as alert_events
from cityloom.bus import queries as bus
from cityloom.bus.models import HandlerRun, OutboxEvent
from cityloom.detection import events as detection_events
from cityloom.emergency import actions as emergency
from cityloom.emergency import events as emergency_events
from cityloom.emergency import queries as incidents
from cityloom.emergency.events import EvacuationApproved
from cityloom.emergency.handlers import assign_tasks
from cityloom.emergency.models import Approval
from cityloom.fieldwork import actions as fieldwork
from cityloom.fieldwork import events as fieldwork_events
from cityloom.fieldwork import queries as tasks
from cityloom.gate import queries as gate
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.envelope import event_from, type_of
from cityloom.kernel.refused import Refused
from cityloom.ui import registry
from cityloom.ui.middleware import status_of
from tests.web.conftest import EXERCISE, City

pytestmark = pytest.mark.django_db
SignIn = Callable[[str], Client]
Proposal = incidents.ProposalFacts
EVENTS = (alert_events, detection_events, emergency_events, fieldwork_events)


def read(response) -> html.HtmlElement:
    return html.fromstring(response.content.decode())


def text(response) -> str:
    return " ".join(read(response).text_content().split())


def buttons(response) -> dict[str, bool]:
    """Each button of the page's main part, and whether it can be pressed."""
    return {b.text_content().strip(): "disabled" not in b.attrib for b in read(response).xpath("//main//button")}


def approve(client: Client, shown: Proposal, role: str = "commander", /, **changed: str):
    form = {"proposal": shown.id, "digest": shown.digest, "role": role} | changed
    return client.post(f"/incidents/{shown.incident_id}/approve/", form, follow=True)


def give_out(shown: Proposal) -> list[str]:
    """What follows an approval: grants are made and tasks delivered; return the ids of the tasks."""
    event = next(one for one in bus.events_of(EXERCISE) if one.type == type_of(EvacuationApproved))
    assign_tasks(event_from(EvacuationApproved, event.data), envelope=event)
    return [task.id for task in tasks.tasks_of(shown.incident_id)]


def test_without_signing_in_there_is_only_the_way_in(city: City, incident_id: str, client: Client) -> None:
    for path in (f"/incidents/{incident_id}/", "/operator/dead-letters/", "/health/"):
        assert client.get(path).url.startswith("/sign-in/?next=")
    assert client.get("/health/live/").content == b"well"


def test_demo_roles_are_buttons(city: City, client: Client) -> None:
    page = client.get("/sign-in/")
    assert buttons(page)["Commander" + "Approves an evacuation, or sends it back" + "commander"]
    assert "Social worker 1" in text(page)
    assert "Password" not in text(page)


def test_demo_accounts_sign_in_from_this_machine_only(city: City) -> None:
    account = city.people["commander"].account
    answer = Client(REMOTE_ADDR="10.1.2.3").post("/sign-in/demo/", {"account": account})
    assert answer.status_code == 403
    assert "localhost" in text(answer)


def test_after_signing_in_one_never_lands_elsewhere(city: City, client: Client) -> None:
    form = {"account": city.people["duty"].account, "next": "https://elsewhere.example/"}
    assert client.post("/sign-in/demo/", form).url == "/"


def test_a_form_from_elsewhere_is_refused(city: City) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/sign-in/demo/", {"account": city.people["duty"].account}).status_code == 403


def test_the_commander_is_told_what_waits(signed_in: SignIn, incident_id: str) -> None:
    waiting = read(signed_in("commander").get("/")).xpath("//section[@aria-labelledby='waiting']//a/@href")
    assert waiting == [f"/incidents/{incident_id}/#decision"]
    assert "Nothing waits for you" in text(signed_in("traffic").get("/"))


def test_an_exercise_in_a_synthetic_city_says_so(signed_in: SignIn, incident_id: str) -> None:
    page = text(signed_in("duty").get(f"/incidents/{incident_id}/"))
    assert "EXERCISE: this is a drill" in page
    assert "its people are made up" in page


def test_the_incident_shows_map_figures_words_and_digest(signed_in: SignIn, proposal: Proposal) -> None:
    response = signed_in("commander").get(f"/incidents/{proposal.incident_id}/")
    page = read(response)
    assert proposal.digest in page.xpath("//code")[0].text
    languages = page.xpath("//*[@aria-labelledby='words']//section/@lang")
    assert sorted(languages) == ["en", "zh-Hans"]
    assert proposal.document["info"]["zh-Hans"]["headline"] in response.content.decode()
    assert str(proposal.plan["counts"]["households"]) in page.xpath("string(//dl[@class='figures'])")
    svg = response.content.decode().partition("<svg")[2].partition("</svg>")[0]
    assert "EXERCISE" in svg
    assert len(svg) < 400_000


def test_who_may_not_approve_reads_why(signed_in: SignIn, proposal: Proposal) -> None:
    page = signed_in("duty").get(f"/incidents/{proposal.incident_id}/")
    assert buttons(page)["Approve the evacuation"] is False
    button = read(page).xpath("//button[normalize-space()='Approve the evacuation']")[0]
    why = read(page).get_element_by_id(button.get("aria-describedby")).text_content()
    assert "only a commander may" in why


def test_two_people_approve_the_same_document(signed_in: SignIn, proposal: Proposal) -> None:
    commander, second = signed_in("commander"), signed_in("approver")
    page = second.get(f"/incidents/{proposal.incident_id}/")
    assert buttons(page)["Approve the alert"] is False
    assert "✓ Approve the evacuation" in text(approve(commander, proposal))
    assert buttons(second.get(f"/incidents/{proposal.incident_id}/"))["Approve the alert"] is True
    assert "✓ Approve the alert" in text(approve(second, proposal, "alert-approver"))
    assert {row.digest for row in Approval.objects.all()} == {proposal.digest}


def test_a_double_click_has_one_effect(signed_in: SignIn, proposal: Proposal) -> None:
    commander = signed_in("commander")
    for _ in range(2):
        assert approve(commander, proposal).status_code == 200
    assert Approval.objects.count() == 1


def test_a_form_that_someone_else_overtook_says_so(signed_in: SignIn, proposal: Proposal) -> None:
    first, late = signed_in("commander"), signed_in("commander")
    first.post(f"/incidents/{proposal.incident_id}/send-back/", {"proposal": proposal.id, "reason": "Too small."})
    emergency.propose(incident_id=proposal.incident_id, by=SYSTEM, at=clock.now())
    answer = approve(late, proposal)
    assert answer.status_code == 409
    assert "has been replaced by revision 2" in text(answer)
    assert Approval.objects.count() == 0


@pytest.mark.parametrize(("field", "value", "status"), [
    ("digest", "0" * 64, 409), ("role", "king", 422), ("proposal", "x" * 26, 404), ("digest", "", 422),
])  # fmt: skip
def test_a_forged_approval_is_refused(
    signed_in: SignIn, proposal: Proposal, field: str, value: str, status: int
) -> None:
    assert approve(signed_in("commander"), proposal, **{field: value}).status_code == status
    assert Approval.objects.count() == 0


def test_a_role_cannot_be_borrowed(signed_in: SignIn, proposal: Proposal) -> None:
    assert approve(signed_in("approver"), proposal, "commander").status_code == 403
    assert Approval.objects.count() == 0


def test_sending_back_needs_a_reason_and_shows_it(signed_in: SignIn, proposal: Proposal) -> None:
    commander, path = signed_in("commander"), f"/incidents/{proposal.incident_id}/send-back/"
    assert "Say what has to change" in text(commander.post(path, {"proposal": proposal.id, "reason": " "}))
    shown = text(commander.post(path, {"proposal": proposal.id, "reason": "<b>Wider</b>"}, follow=True))
    assert "<b>Wider</b>" in shown
    assert buttons(signed_in("duty").get(f"/incidents/{proposal.incident_id}/"))["Draft a new revision"]


def test_a_changed_zone_becomes_a_new_revision(signed_in: SignIn, proposal: Proposal) -> None:
    approve(signed_in("commander"), proposal)
    path = f"/incidents/{proposal.incident_id}/update/"
    assert signed_in("duty").post(path, {"hazard_radius_m": "wide"}).status_code == 422
    signed_in("duty").post(path, {"hazard_radius_m": "60"})
    newer = incidents.current_proposal(proposal.incident_id)
    assert newer.revision == 2
    assert newer.digest != proposal.digest


def test_a_department_acknowledges_its_own_notice_only(signed_in: SignIn, proposal: Proposal) -> None:
    approve(signed_in("commander"), proposal)
    emergency.send_notices(proposal_id=proposal.id, digest=proposal.digest, by=SYSTEM, at=clock.now())
    notices = {notice.department: notice for notice in incidents.notices_of(proposal.incident_id)}
    water = signed_in("water")
    assert "A notice to acknowledge" in text(water.get("/"))
    for department, status in (("gas", 403), ("water", 200)):
        path = f"/notices/{notices[department].id}/acknowledge/"
        assert water.post(path, {"incident": proposal.incident_id}, follow=True).status_code == status
    assert {n.department: n.state for n in incidents.notices_of(proposal.incident_id)}["water"] == "acknowledged"
    assert "Nothing waits for you" in text(water.get("/"))


def test_a_worker_reads_the_own_task_until_it_ends(signed_in: SignIn, city: City, proposal: Proposal) -> None:
    approve(signed_in("commander"), proposal)
    give_out(proposal)
    worker = signed_in("worker-0001")
    waiting = read(worker.get("/")).xpath("//section[@aria-labelledby='waiting']")[0]
    (task, *_) = waiting.xpath(".//a[starts-with(@href, '/tasks/')]/@href")
    before = sum(one.people for one in gate.openings_of(exercise_id=EXERCISE) if one.kind == "opened")
    page = worker.get(task)
    assert "This opening is in the log" in text(page)
    assert page.headers["Cache-Control"] == "no-store"
    assert read(page).xpath("//dl[@class='person']/dd[1]/text()")
    after = sum(one.people for one in gate.openings_of(exercise_id=EXERCISE) if one.kind == "opened")
    assert after == before + len(read(page).xpath("//dl[@class='person']"))
    assert signed_in("worker-0002").get(task).status_code == 403
    assert signed_in("commander").get(task).status_code == 403
    worker.post(f"{task}accept/")
    assert worker.post(f"{task}finish/", follow=True).status_code == 200
    gone = worker.get(task)
    assert gone.status_code == 409
    assert "has ended" in text(gone)


def test_the_incident_page_names_nobody(signed_in: SignIn, city: City, proposal: Proposal) -> None:
    approve(signed_in("commander"), proposal)
    holders = {task.account: task.id for task in tasks.tasks_of(proposal.incident_id)} if give_out(proposal) else {}
    page = signed_in("commander").get(f"/incidents/{proposal.incident_id}/").content.decode()
    people = {account.account: account.actor for account in city.people.values()}
    assert holders
    for account, task_id in holders.items():
        sheet = fieldwork.open_my_task(by=people[account], at=clock.now(), task_id=task_id)
        assert sheet.address not in page
        for person in sheet.people:
            assert person["name"] not in page
            assert person["phone"] not in page


def test_an_unknown_incident_is_404(signed_in: SignIn) -> None:
    assert signed_in("duty").get("/incidents/nothing/").status_code == 404


def test_only_an_operator_works_on_dead_letters(signed_in: SignIn) -> None:
    assert signed_in("operator").get("/operator/dead-letters/").status_code == 200
    assert signed_in("commander").get("/operator/dead-letters/").status_code == 403
    again = signed_in("operator").post("/operator/dead-letters/replay/", {"event": "x", "handler": "y"})
    assert again.status_code == 404


def test_a_dead_letter_is_shown_and_replayed(signed_in: SignIn, incident_id: str) -> None:
    event = OutboxEvent.objects.first()
    handler, key = "emergency.propose", ids.named_id("handler-run", event.id, "emergency.propose")
    HandlerRun.objects.create(key=key, event=event, handler=handler, state="dead", why="gate.keeper_down: x")
    operator = signed_in("operator")
    assert "A handler gave up" in text(operator.get("/"))
    assert "gate.keeper_down" in text(operator.get("/operator/dead-letters/"))
    form = {"event": event.id, "handler": handler}
    assert "There are none" in text(operator.post("/operator/dead-letters/replay/", form, follow=True))
    assert HandlerRun.objects.get(key=key).state == "waiting"


def pages_of(signed_in: SignIn, incident_id: str) -> list:
    operator = signed_in("operator")
    paths = ("/", f"/incidents/{incident_id}/", "/operator/dead-letters/", "/health/", "/incidents/none/")
    return [*(operator.get(path) for path in paths), Client().get("/sign-in/")]


def test_every_page_keeps_the_strict_policy(signed_in: SignIn, incident_id: str) -> None:
    for response in pages_of(signed_in, incident_id):
        policy = response.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert policy.startswith("default-src 'self'")
        page = read(response)
        assert page.xpath("//@style | //style | //script[not(@src)][not(@type='application/json')]") == []
        assert [name for name in page.xpath("//@*/..") if any(key.startswith("on") for key in name.attrib)] == []


def test_every_page_is_sound_html(signed_in: SignIn, incident_id: str) -> None:
    for response in pages_of(signed_in, incident_id):
        page = read(response)
        ids = page.xpath("//@id")
        assert len(ids) == len(set(ids))
        assert len(page.xpath("//h1")) == 1
        assert page.xpath("//main")
        for label in page.xpath("//@aria-labelledby"):
            assert set(label.split()) <= set(ids)
        for field in page.xpath("//select | //textarea | //input[not(@type='hidden')]"):
            assert page.xpath(f"//label[@for='{field.get('id')}']"), etree.tostring(field)
        for button in page.xpath("//button"):
            assert button.text_content().strip()
        for picture in page.xpath("//img"):
            assert "alt" in picture.attrib
        for form in page.xpath("//form[@method='post']"):
            assert form.xpath(".//input[@name='csrfmiddlewaretoken']")


def test_every_page_speaks_chinese(signed_in: SignIn, incident_id: str) -> None:
    operator = signed_in("operator")
    answer = operator.post("/language/", {"language": "zh-hans", "next": f"/incidents/{incident_id}/"})
    assert answer.url == f"/incidents/{incident_id}/"
    page = operator.get(f"/incidents/{incident_id}/")
    assert read(page).get("lang") == "zh-Hans"
    assert "演练" in text(page)
    left = re.sub(r"\s+", " ", read(operator.get("/")).xpath("string(//main)")).replace("`make islands`", "")
    assert not re.search(r"[A-Za-z]{4,} [A-Za-z]{3,}", left), left


def test_a_refusal_outside_a_page_is_json_for_machines(signed_in: SignIn) -> None:
    answer = signed_in("duty").get("/incidents/none/", headers={"accept": "application/json"})
    assert answer.json()["code"] == "emergency.no_incident"


def test_refusals_are_what_they_seem() -> None:
    codes = {"emergency.no_incident": 404, "fieldwork.not_yours": 403, "gate.keeper_down": 503, "bus.anything": 409}
    assert {code: status_of(Refused(code, "x")) for code in codes} == codes


def test_every_kind_of_moment_has_a_name() -> None:
    known = {type_of(event) for module in EVENTS for event in vars(module).values() if is_dataclass(event)}
    assert known - set(registry.moments()) == set()
