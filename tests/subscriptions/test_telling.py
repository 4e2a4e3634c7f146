"""From an alert to those who asked: everybody inside, nobody outside, each once, whatever fails on the way."""

from __future__ import annotations

import base64
import email
from collections.abc import Callable
from datetime import timedelta
from email import policy
from pathlib import Path

import pytest
from django.conf import LazySettings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityloom.alerts.models import Alert
from cityloom.gate import actions as gate
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.subscriptions import actions, jobs, plugins, queries
from cityloom.subscriptions.contrib.web_push import sealing
from cityloom.subscriptions.domain import letter as letters
from cityloom.subscriptions.domain.wish import Place
from cityloom.subscriptions.models import Subscription, Telling, Told
from tests.alerts import examples
from tests.subscriptions.conftest import INSIDE, OUTSIDE, WORDS, Browser, PushService, issued, subscribed

Mails = list[tuple[str, bytes]]
Said = Callable[[Browser], list[dict[str, str]]]


def told_to(mails: Mails) -> list[str]:
    return sorted(to for to, _mail in mails)


def text_of(mail: bytes) -> str:
    return email.message_from_bytes(mail, policy=policy.default).get_content()


def test_who_is_inside_is_told_in_their_language_and_who_is_outside_is_not(mails: Mails) -> None:
    subscribed(to="in@example.org")
    subscribed(OUTSIDE, to="out@example.org")
    alert = issued()
    assert jobs.tell_due(at=clock.now()) == 1
    ((to, mail),) = mails
    read = email.message_from_bytes(mail, policy=policy.default)
    assert (to, read["Subject"]) == ("in@example.org", WORDS["en"]["headline"])
    assert all(WORDS["en"][part] in read.get_content() for part in ("headline", "instruction", "description", "area"))
    assert read["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "/places/stop-now/" in read["List-Unsubscribe"] and f"/alerts/{alert}/" in read.get_content()
    facts = queries.telling_of(alert)
    assert facts and (facts.state, facts.told, facts.outside, facts.candidates) == ("done", 1, 1, 2)
    assert not Told.objects.exists()


def test_a_district_is_told_when_its_buildings_are_in_the_area(mails: Mails) -> None:
    for area in ("city/d01", "city/d01/s01", "city/d02"):
        subscribed(Place(area=area), to=f"{area.replace('/', '-')}@example.org")
    issued()
    jobs.tell_due(at=clock.now())
    assert told_to(mails) == ["city-d01-s01@example.org", "city-d01@example.org"]


def test_what_was_not_wanted_is_not_told(mails: Mails) -> None:
    subscribed(to="all@example.org", severity="Minor", all_clear=False)
    subscribed(to="severe@example.org", severity="Severe")
    issued(severity="Moderate")
    jobs.tell_due(at=clock.now())
    assert told_to(mails) == ["all@example.org"]
    mails.clear()
    (reference,) = examples_references()
    issued(message_type="Cancel", references=[reference], identifier="cityloom.01HINCIDENT.2", severity="Minor")
    jobs.tell_due(at=clock.now())
    assert told_to(mails) == ["severe@example.org"]


def examples_references() -> list[str]:
    from cityloom.alerts.queries import references_for

    return references_for("01HINCIDENT")


def test_a_browser_gets_the_words_encrypted_with_urgency_and_an_end(push: PushService, said: Said) -> None:
    one, zh = push.browser("one"), push.browser("zh")
    subscribed(address=one.address())
    subscribed(address=zh.address(language="zh-Hans"))
    alert = issued()
    jobs.tell_due(at=clock.now())
    (shown,), (chinese,) = said(one), said(zh)
    assert (shown["title"], shown["body"]) == (WORDS["en"]["headline"], WORDS["en"]["instruction"])
    assert chinese["title"] == WORDS["zh-Hans"]["headline"]
    assert shown["url"] == f"http://city.test/alerts/{alert}/"
    headers = push.taken[0][1]
    assert headers["urgency"] == "high" and 6 * 3600 - 60 < int(headers["ttl"]) <= 6 * 3600 and headers["topic"]
    assert WORDS["en"]["headline"].encode() not in push.taken[0][2]


@pytest.mark.parametrize("status", [404, 410])
def test_who_is_gone_is_erased(push: PushService, status: int) -> None:
    push.answers["/gone"] = status
    subscribed(address=push.browser("gone").address())
    alert = issued()
    jobs.tell_due(at=clock.now())
    jobs.clear_up(at=clock.now())
    assert not Subscription.objects.exists()
    assert queries.telling_of(alert).gone == 1


def test_a_mailbox_that_there_is_not_is_erased(mails: Mails) -> None:
    subscribed(to="nobody@example.org")
    issued()
    jobs.tell_due(at=clock.now())
    jobs.clear_up(at=clock.now())
    assert not Subscription.objects.exists() and not mails


def test_a_service_that_is_down_is_asked_again_a_few_times(push: PushService) -> None:
    push.answers["/one"] = 503
    subscribed(address=push.browser().address())
    alert, at = issued(), clock.now()
    for _round in range(12):
        jobs.tell_due(at=at)
        at += timedelta(minutes=10)
    assert (queries.telling_of(alert).failed, push.taken) == (1, [])
    assert "did not arrive" in queries.faults_of(Actor("a"), at)[0].title


def test_a_service_that_comes_back_gets_the_letter_once(push: PushService, said: Said) -> None:
    browser = push.browser()
    push.answers["/one"] = 503
    subscribed(address=browser.address())
    at = clock.now()
    issued()
    jobs.tell_due(at=at)
    push.answers.clear()
    for _round in range(3):
        at += timedelta(minutes=2)
        jobs.tell_due(at=at)
    assert len(said(browser)) == 1


def test_killed_between_match_and_letter_everybody_is_told_once(mails: Mails, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        subscribed(to=f"{number}@example.org")
    issued()

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for place in ("_tell", "_attempt", "_record"):
        with monkeypatch.context() as patch:
            patch.setattr(jobs, place, killed)
            with pytest.raises(KeyboardInterrupt):
                jobs.tell_due(at=clock.now())
        if place == "_attempt":  # claimed and never sent: taken up again when the claim has run out
            Told.objects.filter(state="attempting").update(next_try_at=clock.now())
        if place == "_record":
            break
    # the last kill came after the letters had left: only then may a letter come twice, with the same Message-ID
    Told.objects.filter(state="attempting").update(next_try_at=clock.now())
    jobs.tell_due(at=clock.now())
    keys = {(to, email.message_from_bytes(mail)["Message-ID"]) for to, mail in mails}
    assert sorted({to for to, _key in keys}) == [f"{number}@example.org" for number in range(5)]
    assert len(keys) == 5


def test_a_letter_whose_time_ran_out_leaves_in_the_next_round_and_counts_as_not_tried(
    mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribed()
    alert, at, ticks = issued(), clock.now(), iter([0.0, 0.0, *[9.0] * 9])
    with monkeypatch.context() as patch:
        patch.setattr(jobs.clock, "stopwatch", lambda: next(ticks))
        assert jobs.tell_due(at=at) == 0
    assert not mails and Told.objects.get().attempts == 0
    assert jobs.tell_due(at=at) == 1
    assert len(mails) == 1 and queries.telling_of(alert).told == 1


def test_a_subscription_that_changes_while_an_alert_is_matched_is_told(
    mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, find = subscribed(), gate.find_packets
    issued()

    def found_before(**question: object) -> list[int]:
        monkeypatch.setattr(jobs.gate, "find_packets", find)
        packets = find(**question)
        actions.change(subscription_id=kept.id, secret=kept.secret, severity="Minor", all_clear=True, language="en",
                       at=clock.now())  # fmt: skip
        return packets

    monkeypatch.setattr(jobs.gate, "find_packets", found_before)
    jobs.tell_due(at=clock.now())
    assert len(mails) == 1


def test_the_same_event_twice_and_many_rounds_tell_once(mails: Mails) -> None:
    subscribed()
    alert = issued()
    for _round in range(3):
        actions.begin_telling(alert_id=alert, is_actual=True, exercise_id="", at=clock.now())
        jobs.tell_due(at=clock.now())
    assert len(mails) == 1


def test_without_the_keeper_a_warning_waits_and_says_why(
    mails: Mails, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribed()
    alert, at = issued(), clock.now()
    with monkeypatch.context() as patch:
        patch.setitem(settings.CITYLOOM, "KEEPER_SOCKET", Path("/nowhere"))
        jobs.tell_due(at=at)
    assert queries.telling_of(alert).waits_for == "gate.keeper_down" and not mails
    assert "keeper does not answer" in queries.faults_of(Actor("a"), at)[0].note
    jobs.tell_due(at=at + timedelta(seconds=11))
    assert len(mails) == 1


def test_an_exercise_reaches_nobody_but_the_demo_outbox(world: Path, mails: Mails, push: PushService) -> None:
    subscribed(to="real@example.org")
    subscribed(to="demo@example.org", is_demo=True)
    subscribed(address=push.browser().address(), is_demo=True)
    issued(exercise=True)
    jobs.tell_due(at=clock.now())
    assert not mails and not push.taken
    written = [path.read_text() for path in (world / "demo-subscribers").iterdir()]
    assert len(written) == 2 and all("EXERCISE" in text for text in written)


def test_a_warning_in_earnest_is_not_told_to_demo_subscriptions(world: Path, mails: Mails) -> None:
    subscribed(is_demo=True)
    issued()
    jobs.tell_due(at=clock.now())
    assert not mails and not (world / "demo-subscribers").exists()


def test_words_that_were_not_approved_are_told_to_nobody(mails: Mails) -> None:
    subscribed()
    alert = issued()
    Alert.objects.filter(id=alert).update(xml=Alert.objects.get(id=alert).xml.replace("school", "river"))
    jobs.tell_due(at=clock.now())
    assert not mails and queries.telling_of(alert).waits_for == "alerts.digest_differs"


def test_what_was_replaced_is_told_no_further(mails: Mails) -> None:
    subscribed()
    alert = issued()
    Alert.objects.filter(id=alert).update(state="updated")
    jobs.tell_due(at=clock.now())
    assert not mails and queries.telling_of(alert).state == "withdrawn"


def test_who_has_not_confirmed_or_has_stopped_is_not_told(mails: Mails) -> None:
    subscribed(to="waits@example.org", active=False)
    kept = subscribed(to="stopped@example.org")
    subscribed(to="stays@example.org")
    actions.stop(subscription_id=kept.id, secret=kept.secret, at=clock.now())
    issued()
    jobs.tell_due(at=clock.now())
    assert told_to(mails) == ["stays@example.org"]


def test_an_exercise_that_was_erased_takes_its_telling_along(mails: Mails) -> None:
    subscribed(is_demo=True)
    Alert.objects.filter(id=issued(exercise=True)).delete()
    jobs.tell_due(at=clock.now())
    assert not Telling.objects.exists()


SOUTH, WEST, NORTH, EAST = 22.53, 113.95, 22.532, 113.952


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    lon=st.floats(113.93, 113.97) | st.sampled_from((WEST, EAST)),
    lat=st.floats(22.51, 22.55) | st.sampled_from((SOUTH, NORTH)),
)
def test_a_place_in_the_polygon_is_always_told_and_one_outside_never(mails: Mails, lon: float, lat: float) -> None:
    Alert.objects.all().delete()
    Telling.objects.all().delete()
    Subscription.objects.all().delete()
    mails.clear()
    subscribed((lon, lat))
    issued()
    jobs.tell_due(at=clock.now())
    assert len(mails) == (WEST <= lon <= EAST and SOUTH <= lat <= NORTH)


def test_a_letter_that_says_anything_else_is_stopped() -> None:
    from cityloom.alerts.queries import PublicWords

    words = PublicWords(**WORDS["en"])
    push = {"title": words.headline, "body": words.instruction}
    good = letters.Letter("k", words.headline, letters.body(words) + "\n\nfooter", push)
    letters.check_says(good, words)
    for bad in (
        letters.Letter("k", words.headline, letters.body(words).replace("school", "river"), push),
        letters.Letter("k", "Buy now", letters.body(words), push),
        letters.Letter("k", words.headline, letters.body(words), push | {"body": "Stay where you are."}),
    ):
        with pytest.raises(Refused):
            letters.check_says(bad, words)


@given(st.text(max_size=3000))
def test_a_long_text_is_cut_to_what_a_push_service_takes(text: str) -> None:
    short = letters.shortened(text)
    assert len(short.encode()) <= 1200 and (short == text or text.startswith(short.removesuffix("…")))


def test_encryption_is_that_of_the_standard() -> None:
    """Source: RFC 8291, appendix A."""
    from cryptography.hazmat.primitives.asymmetric import ec

    def number(text: str) -> int:
        return int.from_bytes(base64.urlsafe_b64decode(text + "="), "big")

    sender = ec.derive_private_key(number("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), ec.SECP256R1())
    made = sealing.encrypted(
        b"When I grow up, I want to be a watermelon",
        sealing.decoded("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        sealing.decoded("BTBZMqHH6r4Tts7J_aSIgg"), salt=sealing.decoded("DGv6ra1nlYgDCS1FRnbzlw"), sender=sender,
    )  # fmt: skip
    assert sealing.encoded(made) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
        "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


def test_the_ways_are_those_that_the_house_ships(keeper: gate.Running) -> None:
    assert set(plugins.WAYS) == {"mail", "push", "demo_outbox"}
    assert [name for name, way in plugins.WAYS.items() if way.is_demo] == ["demo_outbox"]
    assert examples.SQUARE.startswith(f"{SOUTH:.6f},{WEST:.6f}") and WEST < INSIDE[0] < EAST < OUTSIDE[0]
