"""Logs in every form become the same log, whatever they are like; what cannot be read is refused."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cityloom.cases.datasets import PUBLISHED
from cityloom.cases.domain.eventlog import Happened, Told
from cityloom.cases.events import CaseClockRang, CaseGiven, CaseMoved, CaseOpened
from cityloom.cases.working import exporting
from cityloom.insight.domain.cleaning import cleaned
from cityloom.insight.domain.eventlog import NONE, SECOND, UNKNOWN, EventLog
from cityloom.insight.domain.limits import NEVER
from cityloom.insight.eventlogs import history, instants
from cityloom.insight.eventlogs.columns import Columns
from cityloom.insight.eventlogs.limits import Bounded
from cityloom.insight.eventlogs.reading import Read, read_log
from cityloom.kernel.envelope import Envelope, type_of
from cityloom.kernel.refused import Refused
from cityloom.lake import catalogue
from cityloom.lake.table import Table

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)


def told(log: EventLog) -> list[tuple[str, str, str, int]]:
    """Case, step, office and minutes since `AT` of each event."""
    begun = int(AT.timestamp()) * SECOND
    return [
        (
            log.case_ids[case],
            log.activities[step],
            log.offices[office] if office != NONE else "",
            (at - begun) // (60 * SECOND),
        )
        for case, step, office, at in zip(log.case, log.activity, log.office, log.at.tolist(), strict=True)
    ]


SAME = [
    ("K-1", "opened", "desk", 0),
    ("K-1", "accept", "works", 30),
    ("K-1", "solve", "works", 90),
    ("K-2", "opened", "desk", 5),
]


def exported(path: Path) -> Path:
    def happened(key: str, name: str, unit: str, minutes: int) -> Happened:
        return Happened(
            f"{key}-{name}",
            name,
            AT + timedelta(minutes=minutes),
            {"unit": unit, "role": "handler"},
            (("person", "P-1", "reporter"), ("road", "R-1", "about")),
        )

    cases = {key: [one for one in SAME if one[0] == key] for key in ("K-1", "K-2")}
    rows = [Told(key, {"casetype": "request", "category": "lamp"}, AT, tuple(happened(*one) for one in steps))
            for key, steps in cases.items()]  # fmt: skip
    exporting.write(path, exporting.FORMATS[path.suffix], rows)
    return path


def read(path: Path, **columns: str) -> Read:
    return read_log(path, Columns(**columns))


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["log.xes", "log.json", "log.sqlite"])
def test_what_the_city_exports_is_read_again(name: str, tmp_path: Path) -> None:
    found = read(exported(tmp_path / name))
    assert [(case.removeprefix("case:"), *rest) for case, *rest in told(found.log)] == SAME
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(gzip.compress((tmp_path / name).read_bytes()))
    if name != "log.sqlite":
        assert told(read(packed).log) == told(found.log)


@pytest.mark.django_db
def test_another_type_of_object_can_be_the_case(tmp_path: Path) -> None:
    path = exported(tmp_path / "log.json")
    found = read_log(path, Columns(), "unit")
    assert (found.log.cases, len(found.log)) == (2, 4)
    with pytest.raises(Refused, match="no objects of type person"):
        read_log(path, Columns(), "person")


CSV = """Case ID;Activity;Complete Timestamp;Org:Group;Resource;Channel
K-1;opened;01/03/2026 08:00;desk;Resource01;post
K-1;accept;01/03/2026 08:30;works;Resource02;post
K-1;solve;01/03/2026 09:30;works;Resource01;post
K-2;opened;01/03/2026 08:05;desk;Resource03;
K-2;broken;01/03/2026 08:05
;opened;01/03/2026 08:05;desk;Resource03;
K-2;decide;some day;desk;Resource03;
"""


def test_tables_are_read_by_guessing_and_by_name(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(CSV.encode("utf-8-sig"))
    found = read(path)
    assert told(found.log) == SAME
    assert (found.columns.office, found.columns.style) == ("Org:Group", "%d/%m/%Y %H:%M")
    said = {one.code: (one.count, one.what) for one in found.findings}
    assert said["bad_rows"][0] == 1 and said["no_case"][0] == 1 and said["no_time"][0] == 1
    assert said["unreadable_time"][0] == 1 and said["no_zone"][0] == 5
    assert said["persons_left_out"] == (1, ("Resource",))
    assert found.log.attributes["Channel"].labels == ("post",)
    path.write_bytes(CSV.replace("Activity", "环节").replace("Case ID", "申请编号").encode("gb18030"))
    assert told(read(path, zone="UTC").log) == SAME
    assert told(read(path, zone="Asia/Shanghai").log)[0][3] == -8 * 60
    for columns, code in (({"office": "Resource"}, "insight.office_is_person"), ({"case": "Nr"}, "insight.no_column")):
        with pytest.raises(Refused) as refused:
            read(path, **columns)
        assert refused.value.code == code


def test_a_column_of_persons_is_no_office_whatever_it_is_called(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("case,activity,time,desk\n" + "".join(f"c,s,2026-03-01T08:0{n}Z,Resource0{n}\n" for n in range(9)))
    with pytest.raises(Refused, match="names people"):
        read(path, office="desk")
    assert read(path).log.offices == []


XES = """<?xml version="1.0"?>{head}<log xmlns="http://www.xes-standard.org/"><global scope="event">
<string key="concept:name" value="UNKNOWN"/></global><trace><string key="concept:name" value="K-1"/>
<string key="responsible" value="Resource01"/><!-- a comment --><event>
<date key="time:timestamp" value="2026-03-01T09:00:00+01:00"/><string key="concept:name" value="ask &amp; wait"/>
<string key="org:group" value="EMPTY"/><string value="start" key="lifecycle:transition"/></event>
<event><string key="concept:name" value="ask &amp; wait"/>
<list key="x"><string key="concept:name" value="inner"/></list>
<date key="time:timestamp" value="2026-03-01T09:30:00Z"/><string key="lifecycle:transition" value="complete"/></event>
</trace><trace><string key="concept:name" value="nothing happened"/></trace></log>"""


def test_xes_of_others_is_read_with_starts_comments_and_inner_values(tmp_path: Path) -> None:
    path = tmp_path / "log.xes"
    path.write_text(XES.format(head=""))
    found = read(path)
    assert told(found.log) == [("K-1", "ask & wait", "", 90)]
    assert found.log.started_at.tolist() == [int(AT.timestamp()) * SECOND]
    assert {one.code for one in found.findings} == {"several_zones", "persons_left_out", "office_unknown"}


BOMB = '<!DOCTYPE log [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("log.xes", XES.format(head=BOMB), "insight.xes_doctype"),
        ("log.xes", XES.format(head="")[:400], "insight.xes_unreadable"),
        ("log.xes", "<log/>", "insight.log_empty"),
        ("log.xes.gz", "no gzip", "insight.xes_unreadable"),
        ("log.csv", "", "insight.table_empty"),
        ("log.csv", "case,activity,time\n", "insight.table_empty"),
        ("log.csv", "case,activity,time\n,,\n", "insight.nothing_left"),
        ("log.csv", "a,b\n1,2\n", "insight.column_not_found"),
        ("log.json", "{", "insight.ocel_unreadable"),
        ("log.json", '{"events": [], "objects": []}', "insight.log_empty"),
        ("log.sqlite", "SQLite format 3\0nothing", "insight.ocel_unreadable"),
        ("log.docx", "x", "insight.no_form"),
    ],
)
def test_what_is_no_log_is_refused(name: str, content: str, code: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(Refused) as refused:
        read(tmp_path / name)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-03-01T09:00:00.5+01:00", "UTC", "2026-03-01T08:00:00.500+00:00"),
        ("2026-03-01 08:00", "UTC", "2026-03-01T08:00+00:00"),
        ("2026/3/1 16:00", "Asia/Shanghai", "2026-03-01T08:00+00:00"),
        ("2026年3月1日 16:00", "Asia/Shanghai", "2026-03-01T08:00+00:00"),
        ("03/13/2026 1:05 PM", "UTC", "2026-03-13T13:05+00:00"),
        ("13.03.2026", "UTC", "2026-03-13T00:00+00:00"),
        ("13-03-2026", "UTC", "2026-03-13T00:00+00:00"),
        ("1772352000", "UTC", "2026-03-01T08:00+00:00"),
        ("1772352000000", "UTC", "2026-03-01T08:00+00:00"),
        ("2026-03-29 02:30", "Europe/Berlin", "2026-03-29T01:00+00:00"),
    ],
)
def test_times_in_many_forms(text: str, zone: str, expected: str) -> None:
    found = instants.instants([text, ""], zone)
    assert found.at.tolist() == [round(datetime.fromisoformat(expected).timestamp() * SECOND), UNKNOWN]
    assert found.unreadable == 0


def test_the_citys_own_history_is_read_from_the_lake(tmp_path: Path) -> None:
    published = next(one for one in PUBLISHED if one.name == "case_history")
    minutes = [AT + timedelta(minutes=one) for one in range(60)]
    facts = [
        (minutes[0], CaseOpened("a", "request", 1, "lamp", "new", "city/desk", "web", minutes[0])),
        (minutes[1], CaseMoved("a", "request", "lamp", "accept", "new", "open", "", "city/works", False, minutes[1])),
        (minutes[2], CaseGiven("a", "request", "city/works", "given", minutes[2])),
        (minutes[30], CaseClockRang("a", "request", "solve", "overdue", "city/works", minutes[30], minutes[30])),
        (
            minutes[40],
            CaseMoved("a", "request", "lamp", "solve", "open", "done", "solved", "city/works", True, minutes[40]),
        ),
        (minutes[3], CaseOpened("b", "request", 1, "road", "new", "city/desk", "call", minutes[3])),
        (minutes[3], CaseOpened("z", "dispute", 1, "", "new", "city/desk", "call", minutes[3])),
    ]
    envelopes = [Envelope(id=f"e{at}", type=type_of(type(fact)), source="city", time=when, data=vars(fact))
                 for at, (when, fact) in enumerate(facts)]  # fmt: skip
    catalogue.declare(tmp_path, published.dataset)
    Table(tmp_path, published.dataset).append(published.facts(envelopes))
    found = history.read(tmp_path, "request")
    log, _ = cleaned(found.raw)
    assert [(log.case_ids[case], log.activities[step]) for case, step in zip(log.case, log.activity, strict=True)] == [
        ("a", "opened"), ("a", "accept"), ("a", "given"), ("a", "solve"), ("b", "opened")]  # fmt: skip
    due = int(minutes[30].timestamp()) * SECOND
    assert found.due.tolist() == [due, NEVER]
    with pytest.raises(Refused, match="no case of type permit"):
        history.read(tmp_path, "permit")


def test_bytes_beyond_the_bound_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(b"x" * 100)
    with path.open("rb") as file, pytest.raises(Refused, match="50 bytes"):
        Bounded(file, 50).read()
