"""People say what a detection was; the newest judgement holds, all stay, and the scorecard counts them."""

from __future__ import annotations

import csv
import io
import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.bus import queries as bus
from cityloom.detection import actions, queries
from cityloom.detection.domain.scorecard import Found, lines, wilson
from cityloom.detection.models import Detection, Judgement
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from tests.detection.test_assess import AT, EXERCISE, call, city, collapse, hear  # noqa: F401
from tests.registers.test_record_pages import client, quick_passwords  # noqa: F401

pytestmark = pytest.mark.django_db
OFFICER = Actor("duty", "city/emergency", frozenset({"duty-officer"}))


def found(key: str = "one", *, category: str = "ground-collapse", days: float = 1, exercise: str = "") -> str:
    at = clock.now() - timedelta(days=days)
    Detection.objects.create(
        id=key, exercise_id=exercise, category=category, lon=114.0, lat=22.5, radius_m=40, first_at=at,
        last_at=at, raised_at=at + timedelta(seconds=30), score=4.0, evidence=[],
    )  # fmt: skip
    return key


def judge(key: str, verdict: str, minutes: float = 10, reason: str = "seen on the spot", **more: str) -> str:
    at = Detection.objects.get(id=key).raised_at + timedelta(minutes=minutes)
    return actions.judge(detection_id=key, verdict=verdict, reason=reason, by=OFFICER, at=at, **more)


def test_a_later_judgement_replaces_and_the_earlier_stays():
    key = found()
    judge(key, "confirmed")
    judge(key, "false", 20, "a test of the alarm")
    assert [(one.verdict, one.reason, one.role) for one in queries.judgements_of(key)] == [
        ("false", "a test of the alarm", "duty-officer"), ("confirmed", "seen on the spot", "duty-officer"),
    ]  # fmt: skip
    told = [event.data["verdict"] for event in bus.events_of("") if event.type.endswith("DetectionJudged.v1")]
    assert told == ["confirmed", "false"]


@pytest.mark.parametrize("by", [SYSTEM, Actor("water", "city/water", frozenset({"department-water"}))])
def test_only_duty_officers_and_supervisors_judge(by):
    with pytest.raises(Refused, match="duty officers and supervisors"):
        actions.judge(detection_id=found(), verdict="false", reason="seen on the spot", by=by, at=AT)
    assert not Judgement.objects.exists()


@pytest.mark.parametrize("verdict, reason, first, code", [
    ("perhaps", "seen on the spot", "", "detection.verdict"), ("", "seen on the spot", "", "detection.verdict"),
    ("false", " a\n b ", "", "detection.reason"), ("duplicate", "the same hole", "", "detection.which"),
    ("duplicate", "the same hole", "one", "detection.itself"),
    ("duplicate", "the same hole", "nothing", "detection.no_first"),
    ("duplicate", "the same hole", "drilled", "detection.no_first"),
    ("duplicate", "the same hole", "second", "detection.chain"),
])  # fmt: skip
def test_a_judgement_that_cannot_be_is_refused_and_leaves_nothing(verdict, reason, first, code):
    key = found()
    found("third")
    judge(found("second"), "duplicate", duplicate_of="third")
    found("drilled", exercise="drill")
    with pytest.raises(Refused) as refusal:
        judge(key, verdict, reason=reason, duplicate_of=first)
    assert refusal.value.code == code
    assert queries.judgements_of(key) == []


def test_duplicates_are_known_from_the_first_until_judged_otherwise():
    judge(found("later"), "duplicate", duplicate_of=found("first"))
    assert queries.duplicates_of("first") == ["later"]
    judge("later", "confirmed", 20)
    assert queries.duplicates_of("first") == []


def test_erasing_an_exercise_erases_its_judgements():
    judge(found("drilled", exercise="drill"), "false")
    actions.forget(exercise_id="drill", by=SYSTEM, at=AT)
    assert not Judgement.objects.exists()


@given(st.integers(0, 400), st.integers(0, 400))
def test_the_interval_holds_the_share_and_narrows_with_more(hits, misses):
    low, high = wilson(hits, hits + misses)
    assert 0 <= low <= high <= 1
    if hits + misses:
        assert low - 1e-12 <= hits / (hits + misses) <= high + 1e-12
        wider = wilson(hits, hits + misses)
        narrower = wilson(hits * 4, (hits + misses) * 4)
        assert narrower[1] - narrower[0] < wider[1] - wider[0]


def test_the_interval_is_the_published_one():
    low, high = wilson(8, 10)  # 8 of 10: 0.490 to 0.943
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)


def test_a_line_counts_each_once_and_says_what_is_open():
    told = [Found("leak", "confirmed", 60, 600), Found("leak", "false", 120, 1200), Found("leak", "duplicate", 30, 60),
            Found("leak", "", 0, None), Found("fire", "", 5, None)]  # fmt: skip
    fire, leak = lines(told, 14 * 86_400, {"leak": 3})
    assert (leak.raised, leak.judged, leak.open, leak.duplicates) == (4, 2, 1, 1)
    assert (leak.precision, leak.false_a_week) == (0.5, 0.5)
    assert (leak.raised_after_s, leak.judged_after_s) == (45, 600)
    assert (fire.precision, fire.judged_after_s, fire.low, fire.high) == (None, None, 0, 1)


def test_the_page_shows_evidence_in_words_and_drawn_and_takes_a_judgement():
    (key,) = set(hear(readings=collapse(), reports=[call(1, 30), call(2, 34)]))
    there = client("duty-officer")
    page = there.get(f"/detections/{key}/").content.decode()
    for words in ("Ground collapse", "EXERCISE", "times its usual spread below the 350", "A resident called about it.",
                  "Most likely place", "counted here", "not judged yet", "nothing so far"):  # fmt: skip
        assert words in page, words
    assert page.count('class="usual"') >= 6
    answer = there.post(f"/detections/{key}/judge/", {"verdict": "false", "reason": "no"})
    assert answer.status_code == 422
    assert "at least 5 signs" in answer.content.decode()
    sent = {"verdict": "confirmed", "reason": "a hole <b>in the road"}
    assert there.post(f"/detections/{key}/judge/", sent).status_code == 302
    page = there.get(f"/detections/{key}/").content.decode()
    assert "a hole &lt;b&gt;in the road" in page
    assert "It was real" in page


def test_who_may_not_judge_is_told_and_may_look():
    key = found()
    there = client("operator")
    assert "judged by duty officers" in there.get(f"/detections/{key}/").content.decode()
    sent = {"verdict": "false", "reason": "seen on the spot"}
    assert there.post(f"/detections/{key}/judge/", sent).status_code == 403
    assert there.get("/detections/nothing/").status_code == 404


def test_what_a_rule_noticed_has_no_probability():
    Detection.objects.filter(id=found(category="pipes")).update(rule="burst", score=0.0)
    there = client("operator")
    page = there.get("/detections/one/").content.decode()
    assert "a rule noticed it" in page
    assert "/rule-packs/pack/pipes/" in page
    assert "50.0 %" not in page + there.get("/detections/").content.decode()


def test_an_incident_is_led_to_from_its_detection():
    key = found()
    actions.note_outcome(detection_id=key, kind="incident", matter_id="matter", by=SYSTEM, at=AT)
    actions.note_outcome(detection_id=key, kind="incident", matter_id="matter", by=SYSTEM, at=AT)
    page = client("operator").get(f"/detections/{key}/").content.decode()
    assert page.count("/incidents/matter/") == 1


def test_a_list_is_narrowed_and_nonsense_narrows_nothing():
    judge(found("a-false"), "false")
    found("an-open", days=3)
    found("a-burst", category="pipe-burst", days=40)
    found("drilled", exercise="drill")
    there = client("duty-officer")
    for asked, shown in (({}, {"a-false", "an-open", "a-burst"}), ({"verdict": "false"}, {"a-false"}),
                         ({"verdict": "open"}, {"an-open", "a-burst"}), ({"period": "month"}, {"a-false", "an-open"}),
                         ({"category": "pipe-burst"}, {"a-burst"}), ({"of": "drills"}, {"drilled"}),
                         ({"verdict": "x", "page": "'"}, {"a-false", "an-open", "a-burst"})):  # fmt: skip
        page = there.get("/detections/", asked).content.decode()
        every = ("a-false", "an-open", "a-burst", "drilled")
        assert {key for key in every if f"/detections/{key}/" in page} == shown, asked


def test_detections_for_which_a_source_speaks_are_found_by_it():
    for key, source in (("one", "report:01M8"), ("other", "report:01M80")):
        Detection.objects.filter(id=found(key)).update(evidence=[{"source": source}])
    page = client("duty-officer").get("/detections/", {"source": "report:01M8"}).content.decode()
    assert "/detections/one/" in page
    assert "/detections/other/" not in page


def test_the_scorecard_says_what_it_was_counted_from_and_is_saved():
    for key, verdict in (("a", "confirmed"), ("b", "confirmed"), ("c", "false")):
        judge(found(key), verdict)
    found("d")
    found("drilled", exercise="drill")
    there = client("auditor")
    page = there.get("/detections/scorecard/", {"period": "week"}).content.decode()
    for words in ("67 %", "21 % – 94 %", "1 of 4 are not judged yet", "30 s", "10 min"):
        assert words in page, words
    text = there.get("/detections/scorecard/export/", {"period": "week"}).content.decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["raised"], row["confirmed"], row["false"], row["not_judged"]) == ("4", "2", "1", "1")
    assert math.isclose(float(row["precision"]), 2 / 3, abs_tol=1e-4)
    assert row["false_alarms_a_week"] == "1"
