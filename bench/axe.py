"""Look at every page with axe-core, a keyboard and a small window, in both languages, both themes and all widths.

Run: python -m bench.axe [--only NAME] [--json]
A city of 6,000 made-up people is built, drilled and served for it. `make test` looks at each page in two settings.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.look import (
    LANGUAGES,
    THEMES,
    WIDTHS,
    Setting,
    assign_a_matter,
    faults,
    has_an_account,
    have_an_account,
    review_a_process,
    sign_in,
    work_an_example,
)  # fmt: skip
from tests.browser.pages import PAGES, Sight
from tests.flow.installation import PEOPLE, SEED, Installation
from tests.flow.served import Served, served
from tests.insight.test_reviews import table

WALL = 2560
SETTINGS = [Setting(*one) for one in product(LANGUAGES, THEMES, (*WIDTHS, WALL))]


def look_at(city: Served, pages: list[Sight], folder: Path) -> list[str]:
    """What is wrong with each of the pages in each of the settings."""
    for who in filter(has_an_account, sorted({sight.who for sight in pages})):
        have_an_account(city.city, folder, who)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        assign_a_matter(browser.new_page(), city.url)
        page = browser.new_page()
        review_a_process(page, city.url, table())
        work_an_example(page, city.url)
        found = [fault for who in sorted({sight.who for sight in pages}) for fault in _as(browser, city, who, pages)]
        browser.close()
    return found


def _as(browser: Browser, city: Served, who: str, pages: list[Sight]) -> list[str]:
    with browser.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(60_000)
        sign_in(page, city.url, who)
        return [
            fault for sight in pages if sight.who == who for setting in SETTINGS
            for fault in faults(page, setting, city.url, sight)
        ]  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="the name of one page's address")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    pages = [sight for sight in PAGES if options.only in ("", sight.name)]
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        city = Installation(Path(folder) / "home")
        commands = (
            ("city", "build", "--people", str(PEOPLE), "--seed", str(SEED)), ("drill", "run", "sinkhole"),
            ("zones", "plan", "First", "--zones", "8", "--processes", "1"),
        )  # fmt: skip
        for command in commands:
            if (done := city.run(*command)).returncode:
                sys.exit(done.stderr)
        with served(city) as running:
            found = look_at(running, pages, Path(folder))
    facts = {"pages": len(pages), "looks": len(pages) * len(SETTINGS), "faults": len(found),
             "seconds": round(time.perf_counter() - started)}  # fmt: skip
    print(json.dumps(facts) if options.json else ", ".join(f"{name}: {value}" for name, value in facts.items()))
    print(*found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
