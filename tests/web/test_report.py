"""Reporting a problem: without an account, sealed, once, and within bounds."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cityloom.bus import queries as bus
from cityloom.cases import actions as cases
from cityloom.cases.domain import numbers
from cityloom.cases.forms import ReportForm
from cityloom.cases.models import Case, CaseContact, CaseFile, CaseFollower
from cityloom.cases.views import visitors
from cityloom.gate import actions as gate
from cityloom.gate import queries as gate_queries
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers
from cityloom.signals import actions, policies
from cityloom.signals.models import Report
from tests.examples import a_third_of
from tests.files.test_pictures import with_notes
from tests.web.conftest import City
from tests.web.test_pages import SignIn, read, text

pytestmark = pytest.mark.django_db
LI = "Li, 13900000001"
WORDS = "The road fell in before the bakery 面包店门口"
Send = Callable[..., object]


@pytest.fixture
def send(city: City, client: Client) -> Send:
    """Fill in the form as a person does, and send it."""

    def filled(_once: str = "", **changes: object):
        once = _once or str(read(client.get("/report/")).xpath("//input[@name='once']/@value")[0])
        given_in = {"category": "road-damage", "place": f"{city.lon:.6f}, {city.lat:.6f}", "once": once}
        return client.post("/report/", given_in | changes, follow=bool(changes.pop("follow", True)))

    return filled


def photo(name: str = "hole.jpg", content: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, with_notes() if content is None else content, content_type="image/jpeg")


def an_address() -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT street, house_number FROM registers_building WHERE street <> '' AND house_number <> ''"
                       " ORDER BY id LIMIT 1")  # fmt: skip
        return cursor.fetchone()


def in_the_sea() -> str:
    """Inside the margin around the city's bounds, more than a kilometre from all that stands there."""
    found = registers.city()
    assert found is not None
    return f"{found.bounds[0] - 0.019:.6f}, {found.bounds[1] - 0.019:.6f}"


def test_a_place_is_enough_and_what_is_urgent_promises_no_more(send: Send) -> None:
    page = send(category="ground-collapse")
    report = Report.objects.get()
    assert (report.category, report.source, report.packet) == ("ground-collapse", "web", None)
    reference = read(page).xpath("string(//p[@class='reference'])")
    assert reference.replace("-", "") == report.id[:12]
    assert "What is urgent has no page to follow" in text(page)
    assert not Case.objects.exists()


def test_an_address_is_enough(send: Send) -> None:
    street, number = an_address()
    send(place="", street=f" {street.upper()} ", house_number=number)
    report = Report.objects.get()
    assert (report.lon, report.lat) == pytest.approx(registers.place_of(street, number))


def test_it_takes_part_in_detection_like_a_call(send: Send) -> None:
    send(category="ground-collapse")
    events = [event for event in bus.events_of("") if "SignalsRecorded" in event.type]
    assert events[-1].data["report_ids"] == [Report.objects.get().id]


def test_words_and_photos_are_sealed_and_nowhere_in_clear(send: Send, caplog: pytest.LogCaptureFixture) -> None:
    send(category="ground-collapse", words=WORDS, photo_1=photo(), photo_2=photo("b.jpg"), reach="named", contact=LI)
    report = Report.objects.get()
    assert (report.has_words, report.photos) == (True, 2)
    assert report.packet is not None
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                assert "bakery" not in repr(row) and "13900000001" not in repr(row), table
                assert not any(isinstance(cell, bytes | memoryview) and b"JFIF" in bytes(cell) for cell in row), table
    assert "bakery" not in caplog.text


def test_who_deals_with_it_opens_it_and_the_opening_is_logged(send: Send, signed_in: SignIn) -> None:
    send(category="ground-collapse", words=WORDS, photo_1=photo(), reach="confidential", contact=LI)
    report_id = Report.objects.get().id
    duty = signed_in("duty")
    listed = duty.get("/reports/")
    assert "The ground or the road has caved in" in text(listed)
    assert "bakery" not in text(listed)
    assert "bakery" not in text(duty.get(f"/reports/{report_id}/"))
    before = gate_queries.log_head().size
    opened = duty.post(f"/reports/{report_id}/open/")
    assert WORDS in text(opened) and LI in text(opened)
    assert opened["Cache-Control"] == "no-store"
    assert gate_queries.log_head().size > before
    (picture,) = read(opened).xpath("//main//img/@src")
    assert picture.startswith("data:image/jpeg;base64,")


def test_a_call_that_an_officer_takes_is_on_the_road_to_detection_once_with_sealed_words(
    city: City, signed_in: SignIn
) -> None:
    duty = signed_in("duty")
    once = str(read(duty.get("/reports/take/")).xpath("//input[@name='once']/@value")[0])
    said = {"category": "ground-collapse", "place": f"{city.lon:.6f}, {city.lat:.6f}", "words": WORDS, "once": once}
    assert duty.post("/reports/take/", said | {"place": "", "once": ""}).status_code == 422
    page = [duty.post("/reports/take/", said, follow=True) for _ in range(2)][-1]
    report = Report.objects.get()
    assert (report.source, report.has_words) == ("call", True)
    events = [event for event in bus.events_of("") if "SignalsRecorded" in event.type]
    assert [event.data["report_ids"] for event in events] == [[report.id]]
    assert f"source=report:{report.id}" in page.content.decode()
    assert "bakery" not in text(page)
    assert WORDS in text(duty.post(f"/reports/{report.id}/open/"))
    actions.erase_old_reports(by=SYSTEM, at=clock.now() + timedelta(days=181))
    assert Report.objects.get().packet is None
    assert signed_in("operator").post("/reports/take/", said | {"once": "A" * 43}).status_code == 403


@pytest.mark.parametrize("username", ["traffic", "operator", "steward", "worker-0001"])
def test_nobody_else_reads_reports(send: Send, signed_in: SignIn, username: str) -> None:
    send(words=WORDS)
    report_id = Report.objects.get().id
    client = signed_in(username)
    assert client.get("/reports/").status_code == 403
    assert client.get(f"/reports/{report_id}/").status_code == 403
    assert client.post(f"/reports/{report_id}/open/").status_code == 403


def test_two_clicks_are_one_report(send: Send, client: Client) -> None:
    once = str(read(client.get("/report/")).xpath("//input[@name='once']/@value")[0])
    first, second = (send(once, words=WORDS, photo_1=photo()) for _ in range(2))
    assert Report.objects.count() == 1
    assert first.redirect_chain[-1][0] == second.redirect_chain[-1][0]


def test_the_same_form_with_other_words_is_another_report(city: City) -> None:
    one = actions.Problem("t" * 30, "noise", city.lon, city.lat, "loud", caller="a")
    other = actions.Problem("t" * 30, "noise", city.lon, city.lat, "louder", caller="a")
    made = [actions.receive(each, by=SYSTEM, at=clock.now()) for each in (one, one, other)]
    assert [each.is_new for each in made] == [True, False, True]
    assert Report.objects.count() == 2


def test_what_was_typed_stays_and_the_errors_lead_to_their_fields(send: Send) -> None:
    page = send(category="", place="", street="", words=WORDS)
    assert page.status_code == 422
    tree = read(page)
    assert tree.xpath("string(//textarea)").strip() == WORDS
    targets = tree.xpath("//div[contains(@class, 'summary')]//a/@href")
    assert targets
    for target in targets:
        assert tree.xpath(f"//*[@id='{target[1:]}']"), target
    assert not Report.objects.exists()


def test_a_street_that_there_is_not_brings_the_nearest_names(send: Send) -> None:
    street, number = an_address()
    page = send(place="", street=street[:-1] + "q", house_number=number)
    assert page.status_code == 422
    assert f"Did you mean: {street}" in text(page).replace("  ", " ") or street in text(page)


@pytest.mark.parametrize(("place", "sentence"), [
    ("here", "two numbers"), ("0, 0", "outside the city"), ("nan, nan", "two numbers"), ("1e9, 4", "two numbers"),
    ("22.5, 114.0", "outside"), ("{sea}", "may lie in the water"), ("\u202e1,2", "two numbers"), ("999, 99", "outside"),
])  # fmt: skip
def test_a_place_that_is_none_is_refused(send: Send, place: str, sentence: str) -> None:
    page = send(place=place.format(sea=in_the_sea()))
    assert page.status_code == 422
    assert sentence in text(page)


@pytest.mark.parametrize(("name", "content", "sentence"), [
    ("a.jpg", b"<svg onload=alert(1)>", "not a photo"), ("a.png", b"MZ\x90", "not a photo"),
    ("a.jpg", with_notes()[:300], "damaged"), ("../../x.jpg", b"%PDF-1.7", "not a photo"),
])  # fmt: skip
def test_what_is_no_photo_says_what_to_do_and_keeps_the_rest(
    send: Send, name: str, content: bytes, sentence: str
) -> None:
    page = send(words=WORDS, photo_2=photo(name, content))
    assert page.status_code == 422
    assert sentence in text(page)
    assert "choose them again" in text(page)
    assert read(page).xpath("string(//textarea)").strip() == WORDS
    assert not Report.objects.exists()


def test_with_the_keeper_down_the_report_counts_without_its_words(send: Send, monkeypatch) -> None:
    def down(**_: object) -> None:
        raise Refused("gate.keeper_down", "The keeper does not answer; an operator has to start it.")

    monkeypatch.setattr(gate, "seal_packet", down)
    page = send(category="fire", words=WORDS, photo_1=photo())
    report = Report.objects.get()
    assert (report.packet, report.has_words, report.photos) == (None, False, 0)
    assert "they were not kept" in text(page)
    monkeypatch.setattr(gate, "seal_texts", down)
    assert "so it was not kept" in text(send(words=WORDS))
    assert Case.objects.get().sealed is None


def test_a_program_that_fills_in_everything_is_thanked_and_forgotten(send: Send) -> None:
    page = send(website="https://spam.example/")
    assert page.status_code == 200
    assert "Thank you" in text(page)
    assert not Report.objects.exists()


def test_one_network_cannot_fill_the_citys_ears(send: Send, city: City, monkeypatch) -> None:
    monkeypatch.setattr(policies, "MOST_AN_HOUR_EACH", 2)
    for number in range(2):
        assert send(words=str(number), other="1").status_code == 200
    page = send(words="one more", other="1")
    assert page.status_code == 429
    assert "try again later" in text(page)
    assert (Report.objects.count(), Case.objects.count()) == (2, 2)
    other = actions.Problem("x" * 30, "noise", city.lon, city.lat, caller="elsewhere")
    assert actions.receive(other, by=SYSTEM, at=clock.now()).is_new


def test_all_of_them_together_are_bounded_too(send: Send, monkeypatch) -> None:
    monkeypatch.setattr(policies, "MOST_AN_HOUR", 1)
    send()
    assert send(words="more", other="1").status_code == 429
    assert Case.objects.count() == 1


def test_the_network_is_known_by_a_digest_of_one_day(city: City) -> None:
    now = clock.now()
    for day, token in ((now, "a" * 30), (now, "b" * 30), (now - timedelta(days=1), "c" * 30)):
        problem = actions.Problem(token, "noise", city.lon, city.lat, token, caller="198.51.100.7")
        actions.receive(problem, by=SYSTEM, at=day)
    digests = list(Report.objects.order_by("-reported_at", "id").values_list("caller_digest", flat=True))
    assert digests[0] == digests[1] != digests[2]
    assert "198.51" not in repr(Report.objects.values())


def test_words_and_photos_are_erased_in_time(city: City, signed_in: SignIn) -> None:
    then = clock.now() - actions.KEPT - timedelta(hours=1)
    problem = actions.Problem("a" * 30, "noise", city.lon, city.lat, WORDS, caller="x")
    report_id = actions.receive(problem, by=SYSTEM, at=then).report_id
    assert actions.erase_old_reports(by=SYSTEM, at=clock.now()) == 1
    row = Report.objects.get()
    assert (row.id, row.packet, row.has_words) == (report_id, None, False)
    assert "neither words nor photos" in text(signed_in("duty").get(f"/reports/{report_id}/"))
    assert signed_in("duty").post(f"/reports/{report_id}/open/").status_code == 409
    assert actions.erase_old_reports(by=SYSTEM, at=clock.now()) == 0


def test_a_form_from_elsewhere_is_refused_and_one_from_here_needs_no_account(city: City) -> None:
    strict = Client(enforce_csrf_checks=True)
    form = {"category": "noise", "place": f"{city.lon}, {city.lat}"}
    assert strict.post("/report/", form).status_code == 403
    token = read(strict.get("/report/")).xpath("//form[contains(@class, 'report')]//input[@name='csrfmiddlewaretoken']")
    answer = strict.post("/report/", form | {"csrfmiddlewaretoken": token[0].get("value")})
    assert answer.status_code == 302
    assert re.fullmatch(r"/my-report/[0-9A-Z]{20}/\?new=1", answer.url)


@pytest.mark.parametrize("path", ["/report/received/x/", "/report/received/<script>/", "/report/received/" + "a" * 26])
def test_a_receipt_that_is_none_is_not_found(city: City, client: Client, path: str) -> None:
    assert client.get(path, follow=True).status_code == 404


@settings(max_examples=a_third_of(40))
@given(st.text(max_size=80), st.text(max_size=60), st.text(max_size=300))
def test_no_words_break_the_form(street: str, place: str, words: str) -> None:
    form = ReportForm({"category": "noise", "street": street, "place": place, "words": words})
    if form.is_valid():
        assert len(form.cleaned_data["place"]) == 2
        assert all(sign in "\n\t" or sign.isprintable() for sign in form.cleaned_data["words"])


def test_photos_are_kept_without_their_notes(send: Send, city: City) -> None:
    send(category="ground-collapse", photo_1=photo())
    duty = city.people["duty"].actor
    (kept,) = actions.open_report(report_id=Report.objects.get().id, by=duty, at=clock.now()).photos
    assert not Image.open(io.BytesIO(kept)).getexif()


def test_all_else_is_a_case_at_once_whose_words_wait_for_its_handler(send: Send, signed_in: SignIn) -> None:
    page = send(words=WORDS, reach="named", contact=LI, photo_1=photo(), photo_2=photo("b.jpg"))
    case = Case.objects.get()
    assert [one.kind for one in CaseFile.objects.filter(case=case)] == ["picture", "picture"]
    assert (case.casetype, case.category, case.origin, case.state) == ("request", "road-damage", "web", "received")
    assert Report.objects.get().packet is None
    for words in ("your report has arrived", "Expected to be done by", WORDS, numbers.spoken(case.number)):
        assert words in text(page), words
    assert LI not in text(page)
    more = {"text": "It grows", "photo": photo()}
    assert "It grows" in text(Client().post(page.redirect_chain[-1][0].partition("?")[0] + "more/", more, follow=True))
    assert CaseFile.objects.filter(case=case, role="reporter").count() == 1
    clerk = text(signed_in("clerk").get(f"/cases/{case.id}/"))
    assert WORDS in clerk and LI in clerk
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            rows = cursor.fetchall()
            assert "bakery" not in repr(rows) and "13900000001" not in repr(rows), table


def test_what_is_reported_there_already_is_asked_first_and_me_too_is_no_report(send: Send, monkeypatch) -> None:
    monkeypatch.setattr(visitors, "MOST_AN_HOUR", 1)
    cache.clear()
    send(words=WORDS)
    asked = send(words="The same hole", photo_1=photo())
    assert (asked.status_code, Case.objects.count()) == (200, 1)
    assert "Is it one of these already?" in text(asked) and "choose them again" in text(asked)
    assert read(asked).xpath("string(//textarea)").strip() == "The same hole"
    here = read(asked).xpath("//section[contains(@class, 'near')]//form")[0]
    sent = {field.get("name"): field.get("value") for field in here.xpath(".//input")}
    page = Client().post("/report/", sent, follow=True)
    assert "2 people follow this matter" in text(page)
    assert (Report.objects.count(), Case.objects.count(), CaseFollower.objects.count()) == (1, 1, 2)
    again = Client().post("/report/", sent | {"once": "B" * 43})
    assert (again.status_code, "try again later" in text(again), CaseFollower.objects.count()) == (429, True, 2)
    assert send(words="Another hole", other="1").status_code == 200
    assert Case.objects.count() == 2


def test_whom_to_ask_back_is_kept_as_they_wish_and_opened_for_a_reason(send: Send, signed_in: SignIn) -> None:
    assert "Say how we can reach you" in text(send(reach="confidential"))
    assert "choose who may see it" in text(send(contact=LI))
    assert not Case.objects.exists()
    send(words=WORDS, reach="confidential", contact=LI)
    case, clerk = Case.objects.get(), signed_in("clerk")
    page = text(clerk.get(f"/cases/{case.id}/"))
    assert WORDS in page and LI not in page
    here = f"/cases/{case.id}/contact/"
    assert clerk.post(here, {"reason": ""}).status_code == 409
    before = gate_queries.log_head().size
    opened = clerk.post(here, {"reason": "To ask which side of the road"})
    assert LI in text(opened) and opened["Cache-Control"] == "no-store"
    assert gate_queries.log_head().size > before
    page = text(clerk.get(f"/cases/{case.id}/"))
    assert LI not in page and "To ask which side of the road" in page
    assert signed_in("water").post(here, {"reason": "I am curious"}).status_code == 403
    Case.objects.update(keep_until=clock.now().date() - timedelta(days=1))
    cases.erase_old(by=SYSTEM, at=clock.now())
    assert not CaseContact.objects.exists()


def test_a_call_about_all_else_is_a_case_whose_caller_gets_a_code(city: City, signed_in: SignIn) -> None:
    duty = signed_in("duty")
    once = str(read(duty.get("/reports/take/")).xpath("//input[@name='once']/@value")[0])
    said = {"category": "street-light", "place": f"{city.lon:.6f}, {city.lat:.6f}", "words": "The lamp is dark",
            "once": once, "reach": "confidential", "contact": LI}  # fmt: skip
    page = [duty.post("/reports/take/", said) for _ in range(2)][-1]
    case = Case.objects.get()
    assert (case.origin, case.category) == ("call", "street-light")
    assert numbers.spoken(case.number) in text(page)
    code = read(page).xpath("//dd[contains(@class, 'follow-code')]/text()")[0]
    followed = Client().post("/my-report/", {"code": code}, follow=True)
    assert "The lamp is dark" in text(followed)
    assert (Report.objects.get().source, CaseContact.objects.count()) == ("call", 1)


def test_words_are_released_by_a_person_and_taken_back(send: Send, signed_in: SignIn) -> None:
    page = send(words="Li from number 7 says that the bakery's road is broken")
    case, clerk = Case.objects.get(), signed_in("clerk")
    here, address = f"/cases/{case.id}/release/", page.redirect_chain[-1][0]
    assert "Li from number 7" in text(clerk.get(here))
    assert "Read it once more" in text(clerk.post(here, {"words": "Li from number 7"}))
    long = clerk.post(here, {"words": "x" * 4_001, "looked": "1"})
    assert (long.status_code, "Shorten it" in text(long)) == (409, True)
    clerk.post(here, {"words": "The road is broken before the shop", "looked": "1"})
    public = f"/open311/v2/requests/{numbers.spoken(case.number)}.json"
    for shown in (text(Client().get(address)), Client().get(public).content.decode()):
        assert "The road is broken before the shop" in shown
    assert "Li from" not in Client().get(public).content.decode()
    clerk.post(here, {"words": "The road is broken", "withdraw": "1"})
    assert "The road is broken" not in Client().get(public).content.decode()
    assert signed_in("water").get(here).status_code == 403
