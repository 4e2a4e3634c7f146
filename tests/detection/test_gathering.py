"""What sensors and callers say becomes one finding with a place, or none."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from django.utils.translation import override
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.detection.domain.cause import Cause, cause_of, shipped
from cityloom.detection.domain.gathering import Finding, findings
from cityloom.detection.domain.said import Said, heard
from cityloom.detection.domain.topology import Network
from cityloom.detection.queries import shipped_causes, words_of
from cityloom.kernel.refused import Refused
from tests.detection.drawn_networks import NOW, PLANE, all_of, call, grid, said
from tests.examples import a_third_of

NETWORK = grid()
CAUSES = {cause.name: cause for cause in shipped_causes()}
BURST, GAS, FLOOD, JAM = (CAUSES[name] for name in ("pipe-burst", "gas-leak", "flooding", "traffic-incident"))
AROUND = [
    ("a", 400, 400, -14), ("b", 800, 400, -12), ("c", 600, 800, -9), ("far", 1600, 1600, -0.5), ("g", 0, 1600, 0.4),
    ("h", 1600, 0, -0.2), ("i", 1600, 800, 0.9),
]  # fmt: skip
QUIET = [(name, x, y, 0.3) for name, x, y, _ in AROUND]
NOBODY = heard([])


def found(cause: Cause, what: Said, calls: object = NOBODY, network: Network = NETWORK) -> list[Finding]:
    return findings([cause], {cause.network: network}, what, calls, NOW)  # type: ignore[arg-type]


def test_a_burst_is_found_between_the_sensors_that_fell():
    one, = found(BURST, said(*AROUND))
    x, y = PLANE.xy(np.array([one.lon]), np.array([one.lat]))[0]
    assert one.probability > 0.95
    assert 200 <= x <= 1000
    assert 200 <= y <= 800
    assert sum(share for _, share in one.places) == pytest.approx(1.0, abs=0.05)
    assert {item.source for item in one.evidence if item.weight > 0} == {"datastream:a", "datastream:b", "datastream:c"}


def test_what_is_quiet_raises_nothing():
    assert not found(BURST, said(*QUIET))


@given(st.sampled_from([row[0] for row in AROUND]), st.floats(-1e6, 1e6))
@settings(max_examples=a_third_of(40), deadline=None)
def test_one_sensor_gone_mad_raises_nothing(name, off):
    rows = [(row[0], row[1], row[2], off if row[0] == name else 0.3) for row in AROUND]
    assert not found(BURST, said(*rows))


@given(st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_the_order_of_the_sensors_does_not_matter(chance):
    rows = list(AROUND)
    chance.shuffle(rows)
    one, same = found(BURST, said(*rows))[0], found(BURST, said(*AROUND))[0]
    assert (one.probability, one.places[:3]) == (same.probability, same.places[:3])
    assert (one.lon, one.lat) == pytest.approx((same.lon, same.lat))


def test_sensors_that_all_fall_are_no_burst_at_one_place():
    everywhere = [(f"s{x}{y}", x * 400, y * 400, -8) for x in range(5) for y in range(5)]
    assert not found(BURST, said(*everywhere))


def test_calm_neighbours_speak_against_it():
    far = found(BURST, said(*AROUND, *((f"n{x}", x, 1600, 0.0) for x in (400, 800, 1200))))[0]
    near = found(BURST, said(*AROUND, *((f"n{x}", x, 600, 0.0) for x in (400, 600, 800))))
    assert not near or near[0].score < far.score - 1


def test_a_sensor_that_is_known_to_fail_says_nothing():
    broken = dataclasses.replace(said(*AROUND), working=np.array([False, False, True, True, True, True, True]))
    assert not found(BURST, broken)


def test_old_readings_say_nothing():
    old = said(*AROUND)
    assert not found(BURST, dataclasses.replace(old, at_s=old.at_s - 7200))


def test_two_bursts_far_apart_are_two_findings():
    there = [(f"{name}2", x + 8000, y, off) for name, x, y, off in AROUND[:3]]
    calm = [(f"q{x}", x, 3000, 0.1) for x in range(0, 9000, 1000)]
    assert len(found(BURST, said(*AROUND, *there, *calm), network=grid(side=48))) == 2


def test_methane_and_callers_who_smell_it_are_a_gas_leak():
    methane = said(("m1", 400, 430, 12), ("m3", 440, 400, 9), ("m2", 1400, 1400, 0.1), kind="methane", unit="%",
                   usual=0.5, spread=0.5)  # fmt: skip
    calls = heard([call(1, "gas-smell", 420, 400), call(2, "gas-smell", 380, 440)])
    one, = found(GAS, methane, calls)
    assert abs(PLANE.xy(np.array([one.lon]), np.array([one.lat]))[0] - (400, 400)).max() < 150
    assert one.score > max((other.score for other in found(GAS, methane)), default=0.0)


def test_a_caller_who_calls_again_counts_once():
    methane = said(("m2", 1400, 1400, 0.1), kind="methane", unit="%", usual=0.5, spread=0.5)
    again = heard([call(number, "gas-smell", 400, 400, caller="same") for number in range(9)])
    assert len(again) == 1
    assert not found(GAS, methane, again)


def test_callers_far_from_each_other_are_no_gas_leak():
    methane = said(("m2", 1400, 1400, 0.1), kind="methane", unit="%", usual=0.5, spread=0.5)
    assert not found(GAS, methane, heard([call(1, "gas-smell", 0, 0), call(2, "gas-smell", 1500, 1500)]))


def test_rain_and_rising_water_and_callers_are_a_flood_and_rain_alone_is_none():
    rain = said(("r1", 0, 0, 14), ("r2", 1500, 900, 10), kind="rain", unit="mm/h", usual=0.0, spread=4.0)
    level = said(("w1", 500, 500, 12), kind="water_level", unit="m", usual=0.2, spread=0.05)
    calls = heard([call(1, "flooding", 520, 480), call(2, "flooding", 450, 560)])
    assert not found(FLOOD, rain)
    one, = found(FLOOD, all_of(rain, level), calls)
    assert one.radius_m < 600


def test_speeds_that_fall_on_neighbouring_detectors_are_an_incident():
    slow = [("a", 400, 400, -9), ("b", 600, 400, -8), ("e", 400, 600, -7)]
    slow += [(f"{x}", x, 1600, 0.2) for x in range(0, 1600, 200)]
    assert found(JAM, said(*slow, kind="traffic_speed", unit="km/h", usual=60, spread=5))


def test_a_finding_is_told_in_words():
    what = said(*AROUND)
    one, = found(BURST, what)
    with override("en"):
        words = words_of(one, what)
        assert words[0] == "a fell 42 kPa in 5 min, 14 times its usual spread"
        assert any("sensors near it are as usual" in word for word in words)
        assert words[-1].startswith("it is likely to ")
    with override("zh-hans"):
        assert all(any("\u4e00" <= sign <= "\u9fff" for sign in word) for word in words_of(one, what))


@pytest.mark.parametrize("path", shipped().values(), ids=list(shipped()))
def test_shipped_causes_are_readable_and_named_after_their_file(path: Path):
    assert cause_of(path.read_text("utf-8")).name == path.stem.removeprefix("cause_")


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (("network: water", "network: beer"), "network"), (("raise_at: 0.8", "raise_at: 9"), "raise_at"),
        (("carries_m: 1000", "carries_m: -1"), "evidence.0"), (("unit: kPa", "unit: kilos"), "kilos"),
        (("within: 30 min", "within: 91 d"), "90 days"), (("kind: flow", "kind: pressure"), "twice"),
        (("least: 2, unit: kPa, ", "least: 2, "), "unit"),
    ],
)  # fmt: skip
def test_a_cause_that_does_not_fit_is_refused_with_its_place(change, wrong):
    text = shipped()["pipe-burst"].read_text("utf-8")
    assert change[0] in text
    with pytest.raises(Refused, match=wrong) as refusal:
        cause_of(text.replace(*change))
    assert refusal.value.code == "detection.pack_unfit"


def test_a_network_without_pipes_is_refused():
    with pytest.raises(Refused) as refusal:
        dataclasses.replace(NETWORK, begin=np.zeros(0, int), end=np.zeros(0, int))
    assert refusal.value.code == "detection.network_empty"
