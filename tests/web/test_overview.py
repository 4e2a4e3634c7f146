"""The overview: each role finds what waits for it, a part that cannot be told says why, and looking back tells what was
recorded until then and nothing of what came later."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from urllib.parse import quote

import pytest
from django.test import Client
from django.utils.timezone import get_current_timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html

from cityloom.bus import actions as bus
from cityloom.emergency import queries as emergency
from cityloom.emergency.domain import states
from cityloom.emergency.events import IncidentOpened
from cityloom.emergency.models import Approval, Incident, Proposal
from cityloom.gate import queries as gate
from cityloom.kernel import ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui import registry
from cityloom.ui.domain import series
from cityloom.ui.domain.declared import MOST_WORK, WorkItem
from cityloom.web import overview
from tests.web.conftest import AT, EXERCISE, City

SignIn = Callable[[str], Client]
OFFICER = Actor(account="01OFFICER", unit="city", roles=frozenset({"duty-officer"}))


def part(client: Client, name: str, **asked: str) -> html.HtmlElement:
    answer = client.get("/", {"fragment": name} | asked)
    assert answer.status_code == 200
    return html.fromstring(f"<div>{answer.content.decode()}</div>")


def words(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def incident(at: datetime, state: str = "open", exercise_id: str = "", closed_at: datetime | None = None) -> Incident:
    return Incident.objects.create(
        id=ids.new_ulid(), exercise_id=exercise_id, detection_id=ids.new_ulid(), category="ground-collapse",
        state=state, lon=114.0, lat=22.5, hazard_radius_m=50, buffer_m=50, ring_fractions=[1.0],
        place={"en": "Elm Street", "zh-Hans": "榆树街"}, first_signal_at=at, opened_at=at, closed_at=closed_at,
    )  # fmt: skip


# --- looking back


class Story:
    """An incident that goes where the table of states lets it go; what it was is noted at each step."""

    def __init__(self, begin: datetime) -> None:
        self.row = incident(begin)
        self.known: list[tuple[datetime, str]] = [(begin, "open")]

    @property
    def state(self) -> str:
        return self.known[-1][1]

    def go(self, action: str, to: str, at: datetime) -> None:
        if action in ("propose", "update", "all-clear", "cancel") and to not in states.FINAL:
            purpose = {"all-clear": "all-clear", "cancel": "cancellation"}.get(action, "evacuation")
            self._propose(purpose, at)
        newest = Proposal.objects.filter(incident=self.row).order_by("-revision").first()
        if action in ("approve", "approve-alert"):
            self._approve(newest, states.COMMANDER if action == "approve" else states.SECOND, at)
        if action == "send-back":
            Proposal.objects.filter(id=newest.id).update(sent_back_at=at)
        closed_at = at if to in states.FINAL else None
        Incident.objects.filter(id=self.row.id).update(state=to, closed_at=closed_at)
        self.known.append((at, to))

    def _propose(self, purpose: str, at: datetime) -> None:
        self.row.revision += 1
        made = Proposal.objects.create(
            id=ids.new_ulid(), incident=self.row, revision=self.row.revision, purpose=purpose, document="{}",
            digest="0" * 64, plan={}, proposed_by="system", created_at=at,
        )  # fmt: skip
        if purpose != "evacuation":
            self._approve(made, states.COMMANDER, at)

    def _approve(self, made: Proposal, role: str, at: datetime) -> None:
        Approval.objects.create(
            id=ids.new_ulid(), proposal=made, account_id=role, role=role, digest=made.digest, at=at
        )  # fmt: skip

    def state_at(self, at: datetime) -> str | None:
        before = [state for when, state in self.known if when <= at]
        return before[-1] if before else None


def possible(state: str) -> list[tuple[str, str]]:
    """Where the table leads from a state; an alert that is out is ended by a second person first."""
    steps = []
    for row in states.TABLE:
        if row.state == state:
            to = row.to[-1] if row.state in ("warned", "ordered") and "clearing" in row.to else row.to[0]
            steps.append((row.action, to))
    return steps


@pytest.mark.django_db
@settings(max_examples=30)
@given(st.randoms(use_true_random=False), st.integers(1, 9))
def test_each_instant_shows_the_state_that_was_recorded_until_then(chance: random.Random, steps: int) -> None:
    Incident.objects.all().delete()
    story, at = Story(AT), AT
    for _ in range(steps):
        if not (ways := possible(story.state)):
            break
        at += timedelta(seconds=chance.randint(1, 600))
        story.go(*chance.choice(ways), at)
    instants = [when + shift for when, _ in story.known for shift in (timedelta(), -timedelta(microseconds=1))]
    for instant in instants:
        lines = emergency.incident_lines(instant)
        assert [line.state for line in lines] == [known for known in [story.state_at(instant)] if known]
    assert [line.state for line in emergency.incident_lines()] == [story.state]


@given(
    st.lists(st.tuples(st.integers(0, 100), st.none() | st.integers(0, 50)), max_size=20), st.integers(0, 100)
)
def test_a_line_of_counts_is_what_counting_one_by_one_gives(spans: list[tuple[int, int | None]], at: int) -> None:
    minute = [AT + timedelta(minutes=one) for one in range(200)]
    dated = [(minute[begin], None if lasts is None else minute[begin + lasts]) for begin, lasts in spans]
    ((_, counted),) = series.lasting(dated, [minute[at]])
    assert counted == sum(begin <= minute[at] and (end is None or end > minute[at]) for begin, end in dated)


@pytest.mark.django_db
def test_the_timeline_and_the_figures_know_nothing_of_what_came_later() -> None:
    for hour in range(5):
        row = incident(AT + timedelta(hours=hour))
        fact = IncidentOpened(row.id, row.detection_id, row.category, row.lon, row.lat, row.opened_at, row.opened_at)
        bus.publish(fact, at=row.opened_at)
    then = AT + timedelta(hours=2)
    lines = overview.placed(overview.moments(then))
    assert [line.at for line in lines] == [then, then - timedelta(hours=1), AT]
    assert {line.place for line in lines} == {"Elm Street"}
    assert emergency.open_incident_count(OFFICER, then).value == 3
    way = overview.scrub(then, overview.moments(None))
    assert (way.earlier, way.later) == (then - timedelta(hours=1), then + timedelta(hours=1))
    assert overview.moments(AT - timedelta(seconds=1)) == []


@pytest.mark.django_db
def test_the_same_thing_many_times_is_one_line() -> None:
    row = incident(AT)
    for second in range(40):
        fact = IncidentOpened(row.id, row.detection_id, row.category, row.lon, row.lat, AT, AT)
        bus.publish(fact, at=AT + timedelta(seconds=second))
    (line,) = overview.moments(None)
    assert line.count == 40


def test_a_time_without_a_zone_is_the_citys_and_nonsense_is_refused() -> None:
    assert overview.instant_from("") is None
    assert overview.instant_from("2026-05-04T14:07").tzinfo == get_current_timezone()  # type: ignore[union-attr]
    assert overview.instant_from("2026-05-04T14:07:00 08:00") == overview.instant_from("2026-05-04T06:07:00Z")
    for nonsense in ("14:07", "2026-13-45T99:99", "<script>", "9" * 500):
        with pytest.raises(Refused):
            overview.instant_from(nonsense)


# --- what each role finds


@pytest.fixture
def crowd(city: City, db: None) -> Iterator[list[Incident]]:
    yield [incident(AT + timedelta(minutes=at), "proposed") for at in range(500)]


def test_500_incidents_at_once_are_shown_page_by_page_with_few_questions(
    signed_in: SignIn, crowd: list[Incident], django_assert_max_num_queries
) -> None:
    duty = signed_in("duty")
    duty.get("/")
    with django_assert_max_num_queries(150):
        page = duty.get("/?page=2")
    links = html.fromstring(page.content).xpath("//section[@aria-labelledby='incidents']//ul[1]/li//a/@href")
    assert links[0] == f"/incidents/{crowd[10].id}/"
    assert 'fragment=incidents&amp;page=2"' in page.content.decode()
    fragment = part(duty, "incidents", page="2")
    assert not [link for link in fragment.xpath("//nav//a/@href") if "fragment" in link]


def test_a_drill_comes_last_and_is_marked(signed_in: SignIn, city: City, incident_id: str) -> None:
    real = incident(AT, "proposed")
    shown = part(signed_in("commander"), "work")
    titles = shown.xpath("//li")
    assert [f"/incidents/{real.id}/" in link for link in shown.xpath("//li//a/@href")][:2] == [True, False]
    assert ["EXERCISE" in words(one) for one in titles][:2] == [False, True]
    rows = part(signed_in("duty"), "incidents").xpath("//li")
    assert all(("drill" in (row.get("class") or "")) == ("EXERCISE" in words(row)) for row in rows)


def test_hundreds_that_wait_are_a_short_list_that_says_how_many_more(
    signed_in: SignIn, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    def many(actor: object, at: object) -> list[WorkItem]:
        return [WorkItem(f"Decision {number}", "/", "now", AT) for number in range(MOST_WORK)]

    monkeypatch.setattr(registry, "source_of", lambda _source: many)
    roles = frozenset(city.people["commander"].roles)
    lists = [one for one in registry.work_lists() if registry.may_see(one.roles, Actor("x", "city", roles))]
    shown = part(signed_in("commander"), "work")
    (more,) = shown.xpath("//details[@id='work-more']")
    assert len(shown.xpath("//li[not(ancestor::details)]")) == 12
    assert f"And {len(lists) * MOST_WORK - 12} more" in words(more)
    assert words(shown).count("Even more waits than this page takes") == len(lists)


@pytest.mark.parametrize("username", ["duty", "commander", "worker-0001", "operator", "water"])
def test_each_role_sees_its_own_lists_and_that_there_are_others(
    signed_in: SignIn, city: City, incident_id: str, username: str
) -> None:
    roles = frozenset(city.people[username].roles)
    page = words(html.fromstring(signed_in(username).get("/").content))
    others = [work for work in registry.work_lists() if work.roles and not work.roles & roles]
    assert others
    assert f"{len(others)} lists are for other roles" in page


def test_where_the_keeper_is_down_the_page_says_what_it_cannot_show(
    signed_in: SignIn, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> None:
        raise Refused("gate.keeper_down", "The keeper does not answer; try again in a moment.")

    monkeypatch.setattr(gate, "purposes", down)
    shown = part(signed_in("duty"), "health")
    (line,) = [one for one in shown.xpath("//ul/li") if "Keeper and budgets" in words(one) and one.xpath("./div")]
    assert "cannot be told" in words(line)
    assert "The keeper does not answer" in words(line)
    assert "Processes" in words(shown)


def test_a_defect_in_one_part_leaves_the_others(
    signed_in: SignIn, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emergency, "incident_lines", lambda at: 1 / 0)
    page = words(html.fromstring(signed_in("duty").get("/").content))
    assert "This cannot be shown now" in page
    assert "Key figures" in page


def test_looking_back_is_marked_and_leads_back(signed_in: SignIn, city: City, incident_id: str) -> None:
    duty = signed_in("duty")
    page = html.fromstring(duty.get(f"/?at={quote(AT.isoformat())}").content)
    assert "As known at 2026-05-04 16:00:00" in words(page), "in the city's own time"
    assert page.xpath("//a[text()='Back to now']/@href")[0] == "/"
    parts = page.xpath("//main//*[starts-with(@data-live-fragment, '/?')]/@data-live-fragment")
    assert parts == ["/?fragment=work", "/?fragment=health"], "what is past does not change"
    ahead = html.fromstring(duty.get("/?at=2199-01-01T00:00").content)
    assert "still to come" in words(ahead)
    assert not ahead.xpath("//a[text()='Back to now']")
    wrong = duty.get("/?at=yesterday")
    assert wrong.status_code == 200
    assert "is no date and time" in words(html.fromstring(wrong.content))


def test_several_parts_come_in_one_answer_each_as_it_comes_alone(city: City, db: None, signed_in: SignIn) -> None:
    incident(AT)
    duty = signed_in("duty")
    together = duty.get("/?fragment=incidents,health,nothing,incidents").json()
    assert list(together) == ["incidents", "health"]
    assert together["incidents"].strip()
    assert together["incidents"] == duty.get("/?fragment=incidents").content.decode()


def test_a_resident_finds_the_portal_here_and_no_part_of_the_overview(city: City, db: None, client: Client) -> None:
    answer = client.get("/?fragment=incidents")
    assert b"data-live-fragment" not in answer.content
    assert EXERCISE.encode() not in answer.content
