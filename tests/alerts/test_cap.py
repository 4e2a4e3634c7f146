"""CAP 1.2 written and read."""

from __future__ import annotations

import copy
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from cityloom.alerts.domain import capxml, structure
from cityloom.alerts.domain import document as documents_domain
from cityloom.alerts.domain.cap import time_from, time_text
from cityloom.kernel.refused import Refused
from cityloom.kernel.timezones import zone_of
from tests import realdata
from tests.alerts import examples
from tests.examples import a_third_of

SAMPLES = ["australia.cap", "canada.cap", "cap_amber_alert_example.xml", "earthquake-iso8859-1.cap"]


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(realdata.path("standards/cap/CAP-v1.2.xsd"))))


@pytest.mark.realdata
@settings(deadline=None, max_examples=a_third_of(150))
@given(document=examples.documents(any_text=True))
def test_every_alert_is_valid_by_the_schema_of_oasis(schema: etree.XMLSchema, document: dict) -> None:
    root = etree.fromstring(capxml.build_xml(document))
    assert schema.validate(root), schema.error_log
    assert structure.validate_structure(root) == []


@settings(deadline=None, max_examples=a_third_of(150))
@given(document=examples.documents(any_text=True))
def test_a_document_comes_back_whole_from_its_bytes(document: dict) -> None:
    alert = capxml.parse(capxml.build_xml(document))
    again = documents_domain.document_of(alert, documents_domain.unsent_of(document))
    if not document["exercise"] and not document["synthetic_city"]:
        assert alert.status == "Actual"
    assert again == document


def test_what_the_xml_says_wins_over_what_travelled_beside_it() -> None:
    real = examples.document(exercise=False, synthetic_city=False)
    alert = capxml.parse(capxml.build_xml(real))
    beside = documents_domain.unsent_of(real) | {"synthetic_city": True}
    assert documents_domain.document_of(alert, beside)["synthetic_city"] is False


def test_polygons_and_words_leave_as_they_were_approved() -> None:
    alert = capxml.parse(capxml.build_xml(examples.document()))
    assert [info.language for info in alert.infos] == ["zh-Hans", "en"]
    assert all(info.areas[0].polygons == (examples.SQUARE,) for info in alert.infos)
    assert alert.infos[0].headline == examples.WORDS["zh-Hans"]["headline"]
    assert alert.status == "Exercise"


@pytest.mark.parametrize(("exercise", "synthetic", "status"), [
    (True, True, "Exercise"), (True, False, "Exercise"), (False, True, "Test"), (False, False, "Actual"),
])  # fmt: skip
def test_only_a_real_city_that_is_not_exercising_says_actual(exercise: bool, synthetic: bool, status: str) -> None:
    xml = capxml.build_xml(examples.document(exercise=exercise, synthetic_city=synthetic))
    assert capxml.parse(xml).status == status


@pytest.mark.parametrize("change", [
    {"polygons": []}, {"polygons": None}, {"polygons": [1.5]}, {"languages": ["en"]}, {"info": {}}, {"extra": 1},
    {"version": 2}, {"exercise": 1}, {"channels": []}, {"channels": ["b", "a"]}, {"buildings": [2, 1]},
    {"identifier": "a\x00b"}, {"message_type": "Ack"},
])  # fmt: skip
def test_a_malformed_document_is_refused(change: dict) -> None:
    with pytest.raises(Refused) as refusal:
        capxml.build_xml(examples.document(**change))
    assert refusal.value.code == "alerts.document_malformed"


@pytest.mark.parametrize("part", sorted(examples.document()))
def test_a_document_that_lost_a_part_is_refused(part: str) -> None:
    document = examples.document()
    del document[part]
    with pytest.raises(Refused) as refusal:
        capxml.build_xml(document)
    assert refusal.value.code == "alerts.document_malformed"


@pytest.mark.realdata
@pytest.mark.parametrize("name", SAMPLES)
def test_alerts_of_other_countries_are_read(name: str) -> None:
    alert = capxml.parse(realdata.path(f"standards/cap/{name}").read_bytes())
    assert alert.identifier
    assert alert.infos[0].areas[0].words


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "code"), [
    ("invalid.cap", "alerts.element_missing"), ("xee.cap", "alerts.doctype"), ("CAP-v1.2.xsd", "alerts.not_cap"),
])  # fmt: skip
def test_alerts_that_are_none_are_refused(name: str, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        capxml.parse(realdata.path(f"standards/cap/{name}").read_bytes())
    assert refusal.value.code == code


BOMB = '<!DOCTYPE a [<!ENTITY x "y">]><alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">&x;</alert>'


@pytest.mark.parametrize(("data", "code"), [
    (b"", "alerts.empty"), (b"  \n", "alerts.empty"), (b"<alert", "alerts.not_xml"), (b"\x00\x01", "alerts.not_xml"),
    (b"<a>" + b"x" * capxml.MAX_BYTES + b"</a>", "alerts.too_large"), (BOMB.encode(), "alerts.doctype"),
    (BOMB.encode("utf-16"), "alerts.doctype"), (b"<a>" * 5000, "alerts.not_xml"),
    (b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.1"/>', "alerts.not_cap"),
])  # fmt: skip
def test_bytes_that_are_no_alert_are_refused(data: bytes, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        capxml.parse(data)
    assert refusal.value.code == code


@settings(deadline=None, max_examples=a_third_of(200))
@given(data=st.binary(max_size=300))
def test_any_bytes_are_refused_and_never_crash(data: bytes) -> None:
    with pytest.raises(Refused):
        capxml.parse(data)


def test_a_file_beside_it_is_never_read(tmp_path) -> None:
    (tmp_path / "secret").write_text("secret")
    xml = f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{tmp_path}/secret">]><a>&x;</a>'
    with pytest.raises(Refused) as refusal:
        capxml.read_tree(xml.encode())
    assert "secret" not in str(refusal.value)


@pytest.mark.realdata
@settings(deadline=None, max_examples=a_third_of(300))
@given(sample=st.sampled_from(SAMPLES), data=st.data())
def test_our_own_check_and_the_schema_come_to_the_same_verdict(
    schema: etree.XMLSchema, sample: str, data: st.DataObject
) -> None:
    parser = etree.XMLParser(remove_comments=True, remove_pis=True)
    root = etree.parse(str(realdata.path(f"standards/cap/{sample}")), parser).getroot()
    for _ in range(data.draw(st.integers(0, 2))):
        _disturb(root, data)
    assert (structure.validate_structure(root) == []) == schema.validate(root), schema.error_log


TEXTS = (
    "", "Actual", "x", "2026-11-22T08:00:00Z", "2026-13-01T00:00:00+00:00", "2026-11-22T08:00:00-00:00", "zh-Hans",
    "12", "-1.5", "Met ",
)  # fmt: skip


def _disturb(root: etree._Element, data: st.DataObject) -> None:
    nodes = [node for node in root.iter() if node is not root and "xmldsig" not in str(node.tag)]
    node, other = data.draw(st.sampled_from(nodes)), data.draw(st.sampled_from(nodes))
    change = data.draw(st.sampled_from(["drop", "double", "text", "rename", "attribute", "move"]))
    if change == "drop":
        node.getparent().remove(node)
    elif change == "double":
        node.addnext(copy.deepcopy(node))
    elif change == "text":
        node.text = data.draw(st.sampled_from(TEXTS))
    elif change == "rename":
        node.tag = other.tag
    elif change == "attribute":
        node.set("id", "1")
    elif node not in other.iterancestors() and node is not other:
        other.addnext(node)


def test_times_are_written_as_cap_asks() -> None:
    assert time_text(datetime(2026, 11, 22, 8, 0, 5, 999_999, tzinfo=UTC)) == "2026-11-22T08:00:05-00:00"


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("Asia/Shanghai", "2026-07-01T16:00:05+08:00"),
        ("America/New_York", "2026-07-01T04:00:05-04:00"),
        ("Asia/Kathmandu", "2026-07-01T13:45:05+05:45"),
        ("UTC-12:00", "2026-06-30T20:00:05-12:00"),
        ("Africa/Abidjan", "2026-07-01T08:00:05-00:00"),
    ],
)
def test_a_city_writes_its_own_time(zone: str, text: str) -> None:
    instant = datetime(2026, 7, 1, 8, 0, 5, tzinfo=UTC)
    assert time_text(instant, zone_of(zone)) == text
    assert time_from(text) == instant


def test_an_offset_with_odd_seconds_is_rounded_and_the_instant_kept() -> None:
    long_ago = datetime(1900, 1, 1, 12, tzinfo=UTC)
    assert time_from(time_text(long_ago, zone_of("Europe/Paris"))) == long_ago


@pytest.mark.parametrize("text", ["2026-11-22T08:00:05Z", "2026-11-22T08:00:05", "2026-11-22T08:00:05.1-00:00",
                                  "2026-11-22 08:00:05-00:00", "2026-11-31T08:00:05-00:00", "soon", ""])  # fmt: skip
def test_other_times_are_not_cap_times(text: str) -> None:
    assert time_from(text) is None


def test_a_local_time_is_the_instant_that_it_means() -> None:
    assert time_from("2026-11-22T16:00:00+08:00") == examples.NOW
