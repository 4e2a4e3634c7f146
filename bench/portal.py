"""Measure the residents' portal: first byte at a steady rate of requests, and what a first visit weighs.

Run: python -m bench.portal [--rate PER_SECOND] [--seconds N] [--people N]
A synthetic city is built, drilled and served as a user serves it. Requests go out at fixed instants, whether or not the
earlier ones have been answered (an open loop, so that a slow answer delays no other), over new connections as strangers
open them, from a process on the same machine. Weight is what Chromium receives over the wire on a first visit, without
the map and without the letters that a machine without Chinese fonts loads besides (told apart).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from playwright.sync_api import sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.flow.installation import Installation
from tests.flow.served import served

PAGES = ("/", "/services/?q=who+saw+my+file", "/how/", "/report/", "/sensors/", "/figures/", "/offline/")
GOAL_MS, GOAL_KB = 100.0, 60.0
_TIMEOUT_S = 10.0


async def _first_byte(host: str, port: int, path: str, due: float) -> float:
    """Milliseconds from when a request was due until its answer begins; infinite for anything but a good answer."""
    await asyncio.sleep(max(0.0, due - time.perf_counter()))
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(
                    f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nAccept: text/html\r\nAccept-Encoding: gzip\r\n"
                    "Accept-Language: zh-CN\r\nConnection: close\r\n\r\n".encode()
                )
                head = await reader.read(64)
                taken = (time.perf_counter() - due) * 1e3
                await reader.read()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return float("inf")
    return taken if b" 200 " in head else float("inf")


async def load(url: str, paths: Sequence[str], rate: float, seconds: float) -> list[tuple[str, float]]:
    """Ask for the pages in turn at a steady rate."""
    port, begin = urlsplit(url).port or 80, time.perf_counter() + 0.2
    asked = [paths[number % len(paths)] for number in range(round(rate * seconds))]
    taken = await asyncio.gather(
        *(_first_byte("127.0.0.1", port, path, begin + number / rate) for number, path in enumerate(asked))
    )
    return list(zip(asked, taken, strict=True))


def quantiles(taken: Sequence[float]) -> dict[str, float]:
    """The middle, the slow twentieth, the slowest, and how many were not answered well."""
    good = [one for one in taken if np.isfinite(one)]
    p50, p95 = np.quantile(good, [0.5, 0.95]) if good else (float("inf"), float("inf"))
    return {"p50_ms": round(float(p50), 1), "p95_ms": round(float(p95), 1), "max_ms": round(max(good, default=0.0), 1),
            "failed": len(taken) - len(good)}  # fmt: skip


def weigh(url: str, locale: str) -> dict[str, dict[str, float]]:
    """Kilobytes over the wire for each page on a first visit: the page and all that it is made of, and letters."""
    found = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for path in PAGES:
            context = browser.new_context(locale=locale, service_workers="block")
            page = context.new_page()
            names: dict[str, Any] = {}
            sizes: dict[str, Any] = {}
            session = context.new_cdp_session(page)
            session.send("Network.enable")
            session.on("Network.responseReceived", partial(_note, names, ("response", "url")))
            session.on("Network.loadingFinished", partial(_note, sizes, ("encodedDataLength",)))
            page.goto(f"{url}{path}", wait_until="networkidle")
            found[path] = _sorted_by_kind(names, sizes)
            context.close()
        browser.close()
    return found


def _note(kept: dict[str, Any], way: Sequence[str], said: dict[str, Any]) -> None:
    """Keep one thing that the browser says of a request."""
    found: Any = said
    for name in way:
        found = found[name]
    kept[said["requestId"]] = found


def _sorted_by_kind(names: dict[str, Any], sizes: dict[str, Any]) -> dict[str, float]:
    kinds = {"page": 0.0, "map": 0.0, "letters": 0.0}
    for key, size in sizes.items():
        path = urlsplit(names.get(key, "")).path
        is_map = path.startswith(("/map/", "/tiles/")) or any(part in path for part in ("built/map", "built/island",
                                                                                         "built/_virtual", "maplibre"))
        kinds["letters" if "/fonts" in path else "map" if is_map else "page"] += size / 1e3
    return {f"{kind}_kb": round(size, 1) for kind, size in kinds.items()}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--people", type=int, default=6000)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        city = Installation(Path(folder))
        for command in (("city", "build", "--people", str(options.people)), ("drill", "run", "sinkhole")):
            outcome = city.run(*command)
            assert outcome.returncode == 0, outcome.stderr
        with served(city) as running:
            result = measure(running.url, options.rate, options.seconds)
    print(json.dumps(result, indent=1))
    slow = result["first_byte"]["all"]["p95_ms"] > GOAL_MS or result["first_byte"]["all"]["failed"]
    heavy = max(one["page_kb"] for pages in result["weight"].values() for one in pages.values()) > GOAL_KB
    return int(bool(slow or heavy))


def measure(url: str, rate: float, seconds: float) -> dict[str, Any]:
    """First byte at a rate, for all pages and each, and the weight of each page in both languages."""
    asyncio.run(load(url, PAGES, 5.0, 3.0))  # caches fill
    taken = asyncio.run(load(url, PAGES, rate, seconds))
    first = {"all": quantiles([one for _, one in taken])}
    first |= {path: quantiles([one for asked, one in taken if asked == path]) for path in PAGES}
    return {"first_byte": first, "weight": {locale: weigh(url, locale) for locale in ("en-GB", "zh-CN")}}


if __name__ == "__main__":
    raise SystemExit(main())
