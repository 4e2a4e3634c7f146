"""Local time: names, offsets, and the guess by longitude."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cityloom.kernel import timezones
from cityloom.kernel.refused import Refused

SUMMER = datetime(2026, 7, 1, tzinfo=UTC)
LONGITUDES = {
    0.0: "UTC", 7.4: "UTC", 7.6: "UTC+01:00", -8.6: "UTC-01:00", -76.6: "UTC-05:00", 113.9: "UTC+08:00",
    180.0: "UTC+12:00", -180.0: "UTC-12:00",
}  # fmt: skip


@pytest.mark.parametrize(("lon", "name"), LONGITUDES.items())
def test_the_guess_by_longitude(lon: float, name: str) -> None:
    assert timezones.by_longitude(lon) == timezones.checked(name) == name


@pytest.mark.parametrize(
    ("name", "hours"), [("UTC", 0), ("UTC-05:00", -5), ("UTC+05:45", 5.75), ("Asia/Shanghai", 8), ("Europe/Lisbon", 1)]
)
def test_a_name_is_a_zone(name: str, hours: float) -> None:
    assert timezones.zone_of(timezones.checked(name)).utcoffset(SUMMER) == timedelta(hours=hours)


@pytest.mark.parametrize("name", ["Mars/Olympus", "UTC+8", "UTC+15:00", "UTC+08:60", "America", "../../etc/passwd",
                                  "/etc/localtime", "asia/shanghai\n", "\x00", " "])  # fmt: skip
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(Refused) as refusal:
        timezones.checked(name)
    assert refusal.value.code == "city.timezone_unknown"
    assert timezones.zone_of(name) is UTC


def test_a_computer_without_a_database_says_so_and_still_takes_offsets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezones, "available_timezones", set)
    with pytest.raises(Refused) as refusal:
        timezones.checked("Asia/Shanghai")
    assert refusal.value.code == "city.no_timezones"
    assert timezones.checked("UTC+08:00") == "UTC+08:00"
