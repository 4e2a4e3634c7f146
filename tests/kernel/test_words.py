"""Ids, time, units, envelopes, canonical documents, refusals."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.kernel import canonical, clock, envelope, ids, texts, units
from cityloom.kernel.refused import Refused

NOON = datetime(2026, 6, 3, 12, tzinfo=UTC)


def test_ulids_are_sortable_by_time_and_never_the_same() -> None:
    made = [ids.new_ulid() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert all(len(ulid) == ids.ULID_LENGTH and ulid[:10] >= made[0][:10] for ulid in made)


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_a_named_id_depends_on_each_part_and_on_nothing_else(parts: list[str]) -> None:
    assert ids.named_id(*parts) == ids.named_id(*parts)
    assert ids.named_id(*parts) != ids.named_id(*parts[:-1], parts[-1] + "x")


def test_a_seed_gives_each_scope_its_own_numbers() -> None:
    assert ids.seeded(1, "people").random() == ids.seeded(1, "people").random()
    assert ids.seeded(1, "people").random() != ids.seeded(1, "roads").random()


def test_a_drill_clock_moves_only_when_told_and_never_back() -> None:
    with clock.use(clock.DrillClock(NOON)) as drill:
        assert clock.now() == NOON
        drill.advance(30)
        drill.advance_to(NOON)
        assert clock.now() == NOON + timedelta(seconds=30)
    assert clock.now() > NOON


def test_instants_travel_as_utc_text_and_need_a_time_zone() -> None:
    shanghai = datetime(2026, 6, 3, 20, tzinfo=timezone(timedelta(hours=8)))
    assert clock.to_text(shanghai) == "2026-06-03T12:00:00.000Z"
    assert clock.from_text(clock.to_text(shanghai)) == shanghai
    with pytest.raises(ValueError, match="time zone"):
        clock.from_text("2026-06-03T12:00:00")


@pytest.mark.parametrize(
    ("value", "unit", "to", "expected"),
    [(3.0, "bar", "kPa", 300.0), (25.4, "mm", "cm", 2.54), (36.0, "km/h", "m/s", 10.0), (0.0, "Cel", "K", 273.15)],
)
def test_units_are_converted(value: float, unit: str, to: str, expected: float) -> None:
    assert units.convert(value, unit, to) == pytest.approx(expected)


@pytest.mark.parametrize(("unit", "to", "code"), [("furlong", "m", "unit.unknown"), ("kPa", "mm", "unit.mismatch")])
def test_units_that_do_not_fit_are_refused(unit: str, to: str, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        units.convert(1.0, unit, to)
    assert refusal.value.code == code
    assert to in refusal.value.sentence


@dataclass(frozen=True)
class BridgeOpened:
    bridge: str
    opened_at: datetime
    lanes: tuple[int, ...]
    until: datetime | None = None


@given(st.text(), st.lists(st.integers(), max_size=3), st.none() | st.just(NOON))
def test_an_event_survives_the_road(bridge: str, lanes: list[int], until: datetime | None) -> None:
    event = BridgeOpened(bridge, NOON, tuple(lanes), until)
    sent = envelope.Envelope(
        id=ids.new_ulid(), type="t", source="/x", time=NOON, data=envelope.data_of(event), exercise_id="E"
    )
    received = envelope.Envelope.from_json(sent.to_json())
    assert received == sent
    assert envelope.event_from(BridgeOpened, received.data) == event


def test_something_else_than_an_envelope_is_refused() -> None:
    with pytest.raises(ValueError, match="CloudEvents"):
        envelope.Envelope.from_json('{"specversion": "0.3"}')


def test_canonical_bytes_follow_rfc_8785() -> None:
    document = {"b": [1, True, None], "a": "é\n", "€": "x"}
    assert canonical.canonical_bytes(document) == '{"a":"é\\n","b":[1,true,null],"€":"x"}'.encode()
    assert canonical.digest(document) == canonical.digest(dict(reversed(document.items())))


def test_a_refusal_fills_in_its_value_and_limit() -> None:
    refusal = Refused("x.y", "There are {value}, at most {limit} fit.", value=9, limit=7)
    assert str(refusal) == "There are 9, at most 7 fit."
    assert refusal.as_json() == {"code": "x.y", "sentence": "There are 9, at most 7 fit.", "value": 9, "limit": 7}


@given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=9)))
def test_packed_texts_are_their_bytes_padded(said: list[str]) -> None:
    rows = texts.packed(said)
    assert [row.tobytes().rstrip(b"\0").decode() for row in rows] == said
    assert texts.packed(said, 40).shape == (len(said), 40)


@pytest.mark.parametrize("said", [["ab", "abc"], ["\u65e5"], ["a\0"]])
def test_a_text_that_does_not_fit_is_never_cut_off(said: list[str]) -> None:
    with pytest.raises(ValueError, match=r"wider|zero"):
        texts.packed(said, 2)
