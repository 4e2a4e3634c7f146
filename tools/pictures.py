"""Take the pictures of README.md: real pages of a small city in the middle of a drill, as small WebP files.

Run: .venv/bin/python tools/pictures.py (needs Debian's Chromium, and the islands built as `make serve` does)
"""

from __future__ import annotations

import base64
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser.conftest import CHROMIUM  # noqa: E402
from tests.browser.look import sign_in  # noqa: E402
from tests.flow.installation import SEED, Installation  # noqa: E402
from tests.flow.served import served  # noqa: E402

PEOPLE = 12_000
MOST_BYTES = 120_000
FLAGS = ("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
SIGHTS = {
    "overview": ("Commander", "", 1440, 1180), "incident": ("Commander", "main a[href^='/incidents/']", 1440, 1100),
    "my-data": ("resident", "", 1200, 1000),
}  # fmt: skip
_TO_WEBP = """async ([png, quality]) => {
  const picture = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext('2d').drawImage(picture, 0, 0);
  const bytes = new Uint8Array(await (await canvas.convertToBlob({type: 'image/webp', quality})).arrayBuffer());
  return btoa(Array.from(bytes, one => String.fromCharCode(one)).join(''));
}"""


def main() -> int:
    folder = ROOT / "docs" / "pictures"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        city = Installation(Path(home) / "home")
        for command in (
            ("city", "build", "--people", str(PEOPLE), "--seed", str(SEED)), ("drill", "run", "sinkhole"),
            ("drill", "run", "sinkhole", "--hold"),
        ):  # fmt: skip
            _done(city.run(*command))
        with served(city) as running, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            for name in SIGHTS:
                picture = _small(browser, _taken(browser, running.url, name))
                (folder / f"{name}.webp").write_bytes(picture)
                print(f"{name}.webp: {len(picture) // 1000} kB")
            browser.close()
    return 0


def _taken(browser: Browser, url: str, name: str) -> bytes:
    who, link, width, height = SIGHTS[name]
    with browser.new_context(locale="en-GB", viewport={"width": width, "height": height}) as context:
        page = context.new_page()
        page.set_default_timeout(120_000)
        sign_in(page, url, who)
        if who == "resident":
            page.goto(f"{url}/me/")
            page.get_by_role("button", name="I have seen these").click()
            page.goto(f"{url}/me/")
        elif link:
            page.goto(url + str(page.locator(link).first.get_attribute("href")).split("#")[0])
        _wait_for_the_map(page)
        page.wait_for_timeout(2_000)
        page.evaluate("document.fonts.ready.then(() => true)")
        return page.screenshot()


def _wait_for_the_map(page: Page) -> None:
    """Give a map the time that a machine without a graphics card needs."""
    if page.locator("canvas").count() or page.locator("[data-map]").count():
        page.wait_for_timeout(25_000)


def _small(browser: Browser, png: bytes) -> bytes:
    page = browser.new_page()
    for quality in (0.9, 0.8, 0.7, 0.6, 0.5):
        picture = base64.b64decode(page.evaluate(_TO_WEBP, [base64.b64encode(png).decode(), quality]))
        if len(picture) <= MOST_BYTES:
            break
    page.close()
    return picture


def _done(outcome: subprocess.CompletedProcess[str]) -> None:
    if outcome.returncode:
        sys.exit(outcome.stderr)


if __name__ == "__main__":
    sys.exit(main())
