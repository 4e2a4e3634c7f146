"""Work zones from the command line: drafted, looked at, published, rebalanced, compared."""

from __future__ import annotations

from pathlib import Path

from tests.flow.installation import Installation


def test_a_city_is_divided_and_a_year_later_rebalanced(city: Installation, tmp_path: Path) -> None:
    first = city.json("zones", "plan", "First", "--zones", "9", "--json")
    assert first["state"] == "draft" and first["figures"]["zones"] == 9
    alone = city.json("zones", "plan", "Alone", "--zones", "9", "--processes", "1", "--json")
    assert city.json("zones", "compare", first["id"], alone["id"], "--json")["moved"] == 0
    published = city.run("zones", "publish", first["id"], "--from", "2999-01-01", "--yes")
    assert published.returncode == 0, published.stderr
    cases = tmp_path / "cases.csv"
    cases.write_text("lon,lat,count\n114.05,22.62,200\n")
    second = city.json("zones", "rebalance", first["id"], "Second", "--cases", str(cases), "--json")
    assert second["based_on"] == first["id"] and second["figures"]["moved_share"] <= 0.05
    assert "First" in city.run("zones", "show").stdout
    refused = city.run("zones", "discard", first["id"])
    assert refused.returncode == 1 and "published" in refused.stderr
    cases.write_text("lon,lat,count\n114.05,north,200\n")
    bad = city.run("zones", "rebalance", first["id"], "Third", "--cases", str(cases))
    assert bad.returncode == 1 and "Line 2" in bad.stderr
