"""A city keeps versions of its rules, tries them on its past, and two people put them in force."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import translation

from cityloom.bus import queries as bus
from cityloom.detection import actions, queries
from cityloom.detection.trust import trials
from cityloom.detection.trust.trials import Past
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.geometry import LocalProjection
from cityloom.kernel.refused import Refused
from cityloom.signals import actions as signals
from cityloom.signals.actions import Reading
from tests.registers.test_record_pages import client, quick_passwords  # noqa: F401
from tests.signals.drawn import sites

pytestmark = pytest.mark.django_db
ENGINEER = Actor("engineer", "city/water", frozenset({"department-water"}))
OFFICER = Actor("officer", "city/emergency", frozenset({"duty-officer"}))
RULES = """cityloom: 1
pack: mains
title: {en: Mains, zh-hans: 管网}
rules:
  - rule: low
    title: {en: Pressure is low, zh-hans: 压力低}
    quiet: 1 h
    when: {kind: pressure, below: 200, unit: kPa}
"""
LOWER = RULES.replace("200", "150")


def keep(text: str = RULES, by: Actor = ENGINEER) -> int:
    name, number = actions.keep_pack(text=text, reason="new limits", by=by, at=clock.now())
    assert name == "mains"
    return number


def put(number: int, by: Actor = OFFICER, reason: str = "") -> None:
    actions.put_in_force(pack="mains", number=number, reason=reason, by=by, at=clock.now())


def limits() -> list[float]:
    return [rule.when.number for pack in queries.packs_in_force() for rule in pack.rules]


def test_what_is_kept_runs_only_once_it_is_put_in_force_and_going_back_is_possible():
    assert queries.packs_in_force() == []
    assert [keep(), keep(), keep(LOWER)] == [1, 1, 2]
    assert limits() == []
    put(2)
    assert limits() == [150]
    put(1)
    assert limits() == [200]
    actions.withdraw_pack(pack="mains", reason="too many calls", by=OFFICER, at=clock.now())
    assert limits() == []
    assert [step.number for step in queries.steps_of("mains")] == [0, 1, 2]
    told = [event.type.split(".")[-2] for event in bus.events_of("")]
    assert told == ["RulesPutInForce", "RulesPutInForce", "RulesWithdrawn"]


def test_the_same_version_again_changes_nothing():
    keep()
    put(1)
    put(1)
    assert len(queries.steps_of("mains")) == 1


def test_whoever_wrote_the_rules_puts_them_in_force_alone_only_with_a_reason():
    keep(by=OFFICER)
    with pytest.raises(Refused, match="wrote these rules yourself"):
        put(1)
    put(1, reason="nobody else is on duty")
    assert limits() == [200]


@pytest.mark.parametrize("by, may_write, may_put", [
    (ENGINEER, True, False), (Actor("a", "city", frozenset({"auditor"})), False, False), (SYSTEM, True, True),
])  # fmt: skip
def test_who_may_write_and_who_may_put_in_force(by, may_write, may_put):
    keep(by=Actor("other", "city", frozenset({"operator"})))
    for may, deed in ((may_write, lambda: keep(LOWER, by)), (may_put, lambda: put(1, by, "asked by phone"))):
        if may:
            deed()
        else:
            with pytest.raises(Refused) as refusal:
                deed()
            assert refusal.value.code == "detection.role"


def test_a_version_that_there_is_not_is_refused():
    with pytest.raises(Refused, match="no version 7"):
        put(7)
    with pytest.raises(Refused, match="not in force"):
        actions.withdraw_pack(pack="mains", reason="not there", by=OFFICER, at=clock.now())


def fall(minutes_ago: list[int]) -> None:
    """A main whose pressure is low at those times of the last hours."""
    signals.install(sites(("pressure", 0, 0)), by=SYSTEM, at=clock.now())
    now = clock.now()
    low = [Reading(1, 120.0 if minute in minutes_ago else 350.0, "kPa", now - timedelta(minutes=minute), f"m{minute}")
           for minute in range(300)]  # fmt: skip
    signals.record(readings=low, by=SYSTEM, at=now, history=True)


def test_rules_are_tried_on_the_readings_that_the_city_keeps():
    fall([10, 20, 200])
    now = clock.now()
    tried = queries.fired_in_city(queries.pack_of(RULES), now - timedelta(days=1), now)
    assert [(now.timestamp() - one.at_s) // 60 for one in tried.fired["low"]] == [200, 20]
    assert tried.fired["low"][0].streams == ("pressure-1",)
    with pytest.raises(Refused, match="about 1440 readings"):
        queries.fired_in_city(queries.pack_of(RULES), now - timedelta(days=1), now, most=1_000)
    with pytest.raises(Refused, match="keeps no reading of Water pressure"):
        queries.fired_in_city(queries.pack_of(RULES), now - timedelta(days=9), now - timedelta(days=8))


def test_the_page_checks_tries_and_keeps():
    fall([10, 200])
    there = client("department-water")
    assert "low-pressure" in there.get("/rule-packs/write/").content.decode()
    where = there.post("/rule-packs/write/", {"text": RULES, "do": "try", "period": "day"}).url
    assert "waiting for its turn" in there.get(where).content.decode()
    assert actions.do_trials(by=SYSTEM) == 1
    page = there.get(where).content.decode()
    for words in ("“Pressure is low” would have fired 2 times", "pressure-1", "Water pressure is below 200 kPa",
                  "300 readings"):  # fmt: skip
        assert words in page, words
    assert queries.kept_packs() == set()
    assert there.post("/rule-packs/write/", {"text": RULES, "do": "keep"}).url == "/rule-packs/pack/mains/"
    assert [one.text for one in queries.versions_of("mains")] == [RULES]
    page = there.get("/rule-packs/pack/mains/").content.decode()
    assert where in page  # what was tried is kept with the version
    assert "Version 1" in there.get(where).content.decode()
    assert "put in force by duty officers" in page
    assert "Put in force" not in page


def test_the_page_shows_the_line_that_does_not_fit_and_keeps_what_was_typed():
    wrong = RULES.replace("unit: kPa", "unit: furlong <b>")
    answer = client("operator").post("/rule-packs/write/", {"text": wrong, "do": "keep"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Line 8 of the rule pack does not fit" in page
    assert "<strong>8      when: {kind: pressure, below: 200, unit: furlong &lt;b&gt;}</strong>" in page
    assert page.count("furlong &lt;b&gt;") >= 3


def test_a_recording_that_is_sent_is_tried_instead_and_a_file_goes_before_the_field(settings, tmp_path):
    settings.CITYLOOM = settings.CITYLOOM | {"LAKE_DIR": tmp_path}
    rows = "\n".join(f"2026-05-01T12:{minute:02}:00Z,P-1,{value},pressure,kPa" for minute, value in
                     enumerate([300, 100, 300, 300]))  # fmt: skip
    recording = SimpleUploadedFile("past.csv", f"time,stream,value,kind,unit\n{rows}\n".encode())
    file = SimpleUploadedFile("rules.yaml", RULES.encode())
    sent = {"text": "nonsense: [", "file": file, "recording": recording, "do": "try"}
    there = client("operator")
    where = there.post("/rule-packs/write/", sent).url
    assert actions.do_trials(by=SYSTEM) == 1
    page = there.get(where, {"fragment": "state"}).content.decode()
    assert "would have fired 1 time<" in page
    assert "P-1" in page
    assert list((tmp_path / ".trials").iterdir()) == []


def asked(days: float = 1, **more: object) -> str:
    now = clock.now()
    return actions.ask_for_trial(text=RULES, on=Past(now - timedelta(days=days), now, **more), by=OFFICER, at=now)


def test_a_trial_that_is_cut_short_is_taken_up_again_and_ends_in_any_case(monkeypatch):
    fall([10])
    key, at = asked(), clock.now()
    monkeypatch.setattr("cityloom.detection.trust.trying.replay.by_rule", lambda *_: (_ for _ in ()).throw(SystemExit))
    for _ in range(3):
        with pytest.raises(SystemExit):
            actions.do_trials(by=SYSTEM)
        assert trials.found(key).state == "running"
    assert actions.do_trials(by=SYSTEM) == 0
    assert trials.found(key).refusal["code"] == "detection.trial_broken"
    late, later = asked(), at + timedelta(minutes=11)
    with pytest.raises(SystemExit):
        actions.do_trials(by=SYSTEM)
    assert not queries.is_trial_to_stop(clock.now())
    assert queries.is_trial_to_stop(later)
    assert actions.do_trials(by=SYSTEM, now=lambda: later) == 0
    assert trials.found(late).refusal["code"] == "detection.trial_late"


def test_a_trial_is_cancelled_waiting_or_at_work():
    waiting = asked()
    there = client("operator")
    assert there.post(f"/rule-packs/trials/{waiting}/cancel/").status_code == 302
    assert actions.do_trials(by=SYSTEM) == 0
    assert "cancelled" in there.get(f"/rule-packs/trials/{waiting}/").content.decode()
    running = asked()
    trials.next_one(clock.now())
    assert "0 of 2 steps" in there.get(f"/rule-packs/trials/{running}/").content.decode()
    actions.cancel_trial(trial_id=running, by=OFFICER, at=clock.now())
    assert queries.is_trial_to_stop(clock.now())
    assert actions.do_trials(by=SYSTEM) == 0
    assert trials.found(running).state == "cancelled"
    assert there.get("/rule-packs/trials/nothing/").status_code == 404


def test_too_much_and_too_many_are_refused_before_they_begin():
    signals.install(sites(*[("pressure", east, 0) for east in range(4)]), by=SYSTEM, at=clock.now())
    with pytest.raises(Refused, match="take a shorter time"):
        asked(days=4_000)
    for _ in range(10):
        asked()
    with pytest.raises(Refused, match="at most 10"):
        asked()
    assert actions.do_trials(by=SYSTEM) == 10  # without a reading each says so
    assert {row.refusal["code"] for row in trials.latest(20)} == {"detection.past_empty"}


def test_a_person_puts_in_force_from_the_page_and_others_only_look():
    keep()
    there = client("duty-officer")
    assert "version 1 in force" not in there.get("/rule-packs/").content.decode()
    assert there.post("/rule-packs/pack/mains/put/", {"number": "1"}).status_code == 302
    assert limits() == [200]
    assert "version 1 in force" in there.get("/rule-packs/").content.decode()
    assert there.post("/rule-packs/pack/mains/put/", {"number": "0"}).status_code == 422
    assert there.post("/rule-packs/pack/mains/put/", {"number": "0", "reason": "too many calls"}).status_code == 302
    assert limits() == []
    assert there.post("/rule-packs/pack/mains/put/", {"number": "x"}).status_code == 404
    assert client("auditor").post("/rule-packs/pack/mains/put/", {"number": "1"}).status_code == 403
    assert there.get("/rule-packs/pack/nothing/").status_code == 404


def test_every_shipped_pack_is_told_in_words_in_both_languages():
    there = client("operator")
    for name in (*queries.shipped_packs(), *queries.shipped_cause_files()):
        for language in ("en", "zh-hans"):
            with translation.override(language):  # a page leaves its language behind in this thread
                page = there.get(f"/rule-packs/pack/{name}/", headers={"accept-language": language}).content.decode()
            assert "{" not in page.split("<main")[1].split("</main")[0], name


def tried(there, sent):
    where = there.post("/rule-packs/write/", sent).url
    assert actions.do_trials(by=SYSTEM) == 1
    return there.get(where).content.decode()


def test_a_cause_is_a_pack_that_is_tried_kept_and_put_in_force_like_rules(settings, tmp_path):
    settings.CITYLOOM = settings.CITYLOOM | {"LAKE_DIR": tmp_path}
    there, text = client("duty-officer"), queries.shipped_cause_files()["pipe-burst"].read_text("utf-8")
    assert "pipe-burst" in there.get("/rule-packs/").content.decode()
    assert "0.15" in there.get("/rule-packs/write/?pack=pipe-burst").content.decode()
    recording = SimpleUploadedFile("past.csv", burst().encode())
    page = tried(there, {"text": text, "recording": recording, "do": "try"})
    for words in ("“Burst water main” would have been told 1 time<", "The cause in words", "P-1", "P-3"):
        assert words in page, words
    assert there.post("/rule-packs/write/", {"text": text, "do": "keep"}).url == "/rule-packs/pack/pipe-burst/"
    there.post("/rule-packs/pack/pipe-burst/put/", {"number": "1", "reason": "nobody else is on duty"})
    assert "version 1 in force" in there.get("/rule-packs/").content.decode()
    assert queries.packs_in_force() == []
    wrong = there.post("/rule-packs/write/", {"text": text.replace("moves: down", "moves: sideways"), "do": "check"})
    assert wrong.status_code == 422
    nothing = SimpleUploadedFile("past.csv", burst().replace("pressure", "rain").encode())
    page = tried(there, {"text": text, "recording": nothing, "do": "try"})
    assert "No stream of the file is of the kind pressure, flow" in page


def burst() -> str:
    """Six gauges, a burst between three of them."""
    xy, chance = ((0, 0), (200, 0), (0, 200), (3000, 0), (0, 3000), (3000, 3000)), np.random.default_rng(2)
    lonlat = LocalProjection(113.93, 22.53).lonlat(np.array(xy, float)).round(6).tolist()
    rows = [f"2026-05-01T{12 + minute // 60}:{minute % 60:02}:00Z,P-{at + 1},"
            f"{350 + chance.normal(0, 2) - 45 * (at < 3 and minute > 85):.2f},pressure,kPa,{lon},{lat}"
            for minute in range(90) for at, (lon, lat) in enumerate(lonlat)]  # fmt: skip
    return "\n".join(["time,stream,value,kind,unit,lon,lat", *rows])
