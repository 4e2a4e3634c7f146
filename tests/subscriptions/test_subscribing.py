"""Asking to be warned: confirmed once, changed and stopped by a link, never readable outside the keeper."""

from __future__ import annotations

import email
import re
from datetime import timedelta
from email import policy
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client

from cityloom.bus import actions as bus
from cityloom.gate.models import SealedPart
from cityloom.kernel import clock, ids
from cityloom.kernel.refused import Refused
from cityloom.subscriptions import actions, jobs, policies
from cityloom.subscriptions.contrib.web_push.way import check_endpoint
from cityloom.subscriptions.domain.wish import Place
from cityloom.subscriptions.models import Subscription
from tests.subscriptions.conftest import INSIDE, PushService, mail, subscribed

ASKED = {"kind": "address", "street": "keyuan road", "house_number": "7", "severity": "Severe", "all_clear": "on",
         "language": "en", "way": "mail", "email": "Li.Ming@Example.org"}  # fmt: skip


def letters(world: Path) -> list[email.message.EmailMessage]:
    found = sorted((world / "mail").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
    return [email.message_from_bytes(path.read_bytes(), policy=policy.default) for path in found]


def link_in(letter: email.message.EmailMessage, word: str) -> str:
    found = re.search(rf"http://\S+(/places/{word}/\S+)", letter.get_content())
    assert found
    return found[1]


def test_without_scripts_from_the_form_to_the_end(world: Path, client: Client) -> None:
    answer = client.post("/places/", ASKED)
    assert (answer.status_code, answer["Location"]) == (302, "/places/sent/")
    assert client.get("/places/sent/").status_code == 200
    bus.drain(at=clock.now())
    (letter,) = letters(world)
    assert letter["To"] == "Li.Ming@Example.org"
    confirm = link_in(letter, "confirm")

    assert client.get(confirm).status_code == 200
    assert Subscription.objects.get().state == "waiting"  # a program that opens links confirms nothing
    first, second = client.post(confirm), client.post(confirm)
    assert first["Location"] == second["Location"]
    assert Subscription.objects.get().state == "active"

    page = client.get(first["Location"])
    assert "keyuan road 7" in page.content.decode() and "L…@Example.org" in page.content.decode()
    assert page["Cache-Control"] == "no-store" and page["Referrer-Policy"] == "same-origin"
    client.post(first["Location"], {"severity": "Extreme", "language": "zh-Hans"})
    _, name, secret = re.fullmatch(r"/places/(\w+)/(\w+)/(.+)/", first["Location"]).groups()
    changed = actions.read(subscription_id=name, secret=secret, at=clock.now())
    assert (changed.wish.severity, changed.wish.all_clear, changed.address.language) == ("Extreme", False, "zh-Hans")

    stop = first["Location"].replace("manage", "stop")
    assert client.post(stop)["Location"] == "/places/stopped/"
    jobs.clear_up(at=clock.now())
    assert not Subscription.objects.exists() and not SealedPart.objects.exists()
    gone = client.get(first["Location"])
    assert gone.status_code == 404 and "no subscription behind this link" in gone.content.decode()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"street": ""}, "Write the street"), ({"house_number": "999"}, "no building with that street"),
        ({"kind": "district"}, "Choose a district"), ({"kind": "point", "point": "1,2"}, "not in this city"),
        ({"kind": "point", "point": "here"}, "comma between them"), ({"email": ""}, "Write the address"),
        ({"email": "li@example.org\nBcc: all@example.org"}, "valid email"), ({"email": "a@b.c, d@e.f"}, "valid email"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_beside_its_field(client: Client, changes: dict[str, str], words: str) -> None:
    page = client.post("/places/", ASKED | changes).content.decode()
    assert words in page and 'class="message error summary"' in page
    assert not Subscription.objects.exists()


def test_district_and_point_can_be_chosen(client: Client) -> None:
    client.post("/places/", ASKED | {"kind": "district", "district": "city/d01"})
    client.post("/places/", ASKED | {"kind": "point", "point": "113.951, 22.531"})
    assert Subscription.objects.count() == 2


def test_what_was_before_a_change_is_erased_whatever_dies_on_the_way(
    monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    kept = subscribed(severity="Minor")
    wishes = {"subscription_id": kept.id, "secret": kept.secret, "all_clear": True, "language": "en"}
    first = Subscription.objects.get().packet
    for severity in ("Severe", "Extreme"):
        actions.change(**wishes, severity=severity, at=clock.now())
    with monkeypatch.context() as patch:
        patch.setitem(settings.CITYLOOM, "KEEPER_SOCKET", Path("/nowhere"))
        with pytest.raises(Refused):
            jobs.clear_up(at=clock.now())
    assert set(SealedPart.objects.values_list("packet", flat=True)) >= {first}
    assert jobs.clear_up(at=clock.now()) == 2
    last = Subscription.objects.get()
    assert (last.id, last.state) == (kept.id, "active") and last.packet != first
    assert set(SealedPart.objects.values_list("packet", flat=True)) == {last.packet}
    assert actions.read(subscription_id=kept.id, secret=kept.secret, at=clock.now()).wish.severity == "Extreme"


def test_a_subscription_that_was_stopped_meanwhile_is_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, sealed = subscribed(), actions.gate.seal_packet

    def seal_late(**order: object) -> object:
        actions.stop(subscription_id=kept.id, secret=kept.secret, at=clock.now())
        return sealed(**order)

    monkeypatch.setattr(actions.gate, "seal_packet", seal_late)
    with pytest.raises(Refused):
        actions.change(subscription_id=kept.id, secret=kept.secret, severity="Severe", all_clear=True, language="en",
                       at=clock.now())  # fmt: skip
    jobs.clear_up(at=clock.now())
    assert not Subscription.objects.exists() and not SealedPart.objects.exists()


def test_streets_are_proposed_by_their_first_letters(client: Client) -> None:
    assert client.get("/places/streets.json?begin=ke").json() == {"streets": ["Keyuan Road"]}
    assert client.get("/places/streets.json?begin=ro").json() == {"streets": ["Keyuan Road"]}
    assert client.get("/places/streets.json?begin=x").json() == client.get("/places/streets.json").json()
    page = client.post("/places/", ASKED | {"street": "Keyuen Road"}).content.decode()
    assert "Did you mean: Keyuan Road?" in page


def test_a_link_that_is_too_old_or_wrong_gets_a_friendly_page(world: Path, client: Client) -> None:
    kept = subscribed(active=False)
    Subscription.objects.update(asked_at=clock.now() - timedelta(hours=25))
    late = client.post(f"/places/confirm/{kept.id}/{kept.secret}/")
    assert late.status_code == 410 and "24 hours" in late.content.decode()
    assert client.post(f"/places/confirm/{kept.id}/wrong/").status_code == 404
    assert client.get("/places/manage/nobody/nothing/").status_code == 404
    jobs.clear_up(at=clock.now())
    assert not Subscription.objects.exists() and not SealedPart.objects.exists()


def test_one_click_of_a_mail_program_stops_and_twice_is_once(client: Client) -> None:
    kept = subscribed()
    strict = Client(enforce_csrf_checks=True)
    for _time in range(2):
        answer = strict.post(f"/places/stop-now/{kept.id}/{kept.secret}/", {"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 204
        jobs.clear_up(at=clock.now())
    assert not Subscription.objects.exists()


def test_an_address_cannot_be_flooded(world: Path, client: Client) -> None:
    for _time in range(policies.WAITING_EACH + 3):
        assert client.post("/places/", ASKED)["Location"] == "/places/sent/"  # the asker learns nothing of it
        bus.drain(at=clock.now())
    assert len(letters(world)) == policies.WAITING_EACH


def test_two_clicks_on_one_form_are_one_subscription(
    world: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = ASKED | {"once": ids.random_token()}
    for _time in range(2):
        assert client.post("/places/", form)["Location"] == "/places/sent/"
    with monkeypatch.context() as patch:  # both looked before either had written
        patch.setattr(type(Subscription.objects.none()), "exists", lambda _rows: False)
        assert client.post("/places/", form)["Location"] == "/places/sent/"
    bus.drain(at=clock.now())
    assert (Subscription.objects.count(), len(letters(world))) == (1, 1)
    client.post("/places/", form | {"severity": "Extreme"})  # went back, and wanted something else
    assert Subscription.objects.count() == 2
    kept = subscribed()
    answers = [client.post(f"/places/stop/{kept.id}/{kept.secret}/") for _time in range(2)]
    assert {answer["Location"] for answer in answers} == {"/places/stopped/"}


def test_a_client_cannot_ask_for_ever(client: Client) -> None:
    several = [ASKED | {"email": f"x{number}@example.org"} for number in range(policies.ASKED_PER_CLIENT + 1)]
    answers = [client.post("/places/", asked) for asked in several]
    assert [answer.status_code for answer in answers[-2:]] == [302, 409]
    assert "try again later" in answers[-1].content.decode()


def test_the_letter_leaves_once(world: Path) -> None:
    kept = subscribed(active=False)
    for _time in range(3):
        actions.send_confirmation(subscription_id=kept.id, at=clock.now())
        bus.drain(at=clock.now())
    assert len(letters(world)) == 1


def test_neither_place_nor_address_is_readable_in_the_database(
    world: Path, caplog: pytest.LogCaptureFixture, settings: LazySettings
) -> None:
    canary = "canary-4711@example.org"
    subscribed(Place(*INSIDE, label="Canary Road 4711"), canary)
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = [name for (name,) in cursor.fetchall()]
        rows = [row for name in tables for row in cursor.execute(f'SELECT * FROM "{name}"').fetchall()]
    stored = repr(rows).encode() + caplog.text.encode()
    assert not any(word in stored for word in (b"canary", b"Canary", canary.encode().hex().encode()))
    assert b"canary" not in connection.connection.serialize().lower()
    files = Path(settings.CITYLOOM["KEEPER_DIR"]).iterdir()
    assert not [path.name for path in files if b"canary" in path.read_bytes().lower()]


def test_the_keeper_forgets_by_what_it_was_found(keeper: object) -> None:
    kept = subscribed(to="one@example.org")
    assert actions._known_at("ONE@example.org", clock.now()) == (0, 1)
    actions.stop(subscription_id=kept.id, secret=kept.secret, at=clock.now())
    jobs.clear_up(at=clock.now())
    assert actions._known_at("one@example.org", clock.now()) == (0, 0)


def test_a_browser_subscribes_without_a_letter(world: Path, client: Client, push: PushService) -> None:
    asked = push.browser().address()
    fields = {"way": "push", "email": "", "endpoint": asked.to, "p256dh": asked.p256dh, "auth": asked.auth}
    answer = client.post("/places/", ASKED | fields)
    assert answer["Location"].startswith("/places/manage/")
    assert "In a browser" in client.get(answer["Location"]).content.decode()
    assert Subscription.objects.get().state == "active" and not letters(world)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/x", "https://example.org/x", "https://127.0.0.1/x", "https://fcm.googleapis.com:22/x",
        "https://fcm.googleapis.com@example.org/x", "https://fcm.googleapis.com.example.org/x", "file:///etc/passwd",
        "https://fcm.googleapis.com\\@example.org/x", "https://[::1]/x", "https://notify.windows.com.evil.example/x",
        "https://fcm.googleapis.com/\r\nX: y", "https://FCM.googleapis.com/x", "", "https://fcm.googleapis.com/#x",
    ],
)  # fmt: skip
def test_the_city_calls_no_host_but_known_push_services(endpoint: str) -> None:
    with pytest.raises(Refused) as caught:
        check_endpoint(endpoint)
    assert caught.value.code == "places.push_host"


def test_known_push_services_are_called() -> None:
    for endpoint in ("https://fcm.googleapis.com/fcm/send/a:b_c-d", "https://wns2-par02p.notify.windows.com/w/?token=a%2b",
                     "https://updates.push.services.mozilla.com/wpush/v2/g"):  # fmt: skip
        check_endpoint(endpoint)


def test_keys_that_are_none_are_refused(push: PushService) -> None:
    with pytest.raises(Refused) as caught:
        subscribed(address=mail(f"{push.url}/x", way="push", p256dh="AAAA", auth="AAAA"), active=False)
    assert caught.value.code == "places.no_push"


def test_without_the_keeper_nothing_is_kept_and_the_page_says_why(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    kept = subscribed()
    monkeypatch.setitem(settings.CITYLOOM, "KEEPER_SOCKET", Path("/nowhere"))
    answer = client.post("/places/", ASKED | {"email": "new@example.org"})
    assert answer.status_code == 409 and "keeper does not answer" in answer.content.decode()
    assert client.post(f"/places/stop/{kept.id}/{kept.secret}/").status_code == 302  # stopping needs nobody
    assert Subscription.objects.get().state == "ending"


def test_every_page_answers(client: Client) -> None:
    for path in ("/places/", "/places/sent/", "/places/stopped/", "/places/worker.js"):
        assert client.get(path).status_code == 200
    assert "showNotification" in client.get("/places/worker.js").content.decode()


