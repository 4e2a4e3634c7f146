"""A city that is served after a drill, and a resident's browser without JavaScript in it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from lxml import html

from cityloom.project import supervisor
from cityloom.project.home import Home
from tests.flow.installation import ROOT, Installation

HELPED = "(helped in a drill)"


@dataclass(frozen=True)
class Served:
    """A running city."""

    city: Installation
    url: str

    @property
    def key(self) -> str:
        """The log's key, as an operator prints it."""
        outcome = self.city.run("log", "key")
        assert outcome.returncode == 0, outcome.stderr
        return outcome.stdout.strip()

    def verify(self, bundle: Path, key: str) -> subprocess.CompletedProcess[str]:
        """What `cityloom verify` says of a file."""
        return self.city.run("verify", str(bundle), "--key", key, "--json")


@contextmanager
def served(city: Installation) -> Iterator[Served]:
    """The city's processes, until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cityloom", "serve"], cwd=ROOT, env=city.variables, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        said = process.stdout.readline()
        assert "http://localhost:" in said, said
        yield Served(city, supervisor.status(Home(city.home))["url"])
    finally:
        supervisor.stop(Home(city.home))
        process.wait(15)


class Visitor:
    """A person with a browser that follows links and fills in forms."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, follow_redirects=True, timeout=60, headers={"Accept": "text/html"})

    def see(self, address: str) -> html.HtmlElement:
        return self._shown(self._client.get(address))

    def fetch(self, address: str) -> httpx.Response:
        return self._client.get(address)

    def send(self, form: html.HtmlElement, **chosen: str) -> html.HtmlElement:
        """Fill in a form and send it."""
        fields = {name: value for name, value in form.form_values() if value is not None} | chosen
        return self._shown(self._client.post(form.get("action"), data=fields))

    def be_a_resident(self, label: str = HELPED) -> None:
        """Sign in through the demo identity provider as the first resident with such a label."""
        page = self.see("/sign-in/with/demo-residents/")
        (form,) = page.xpath("//form[.//select[@name='resident']]")
        chosen = form.xpath(f".//option[contains(., '{label}')]/@value")[0]
        self.send(form, resident=chosen)

    def entries(self) -> list[html.HtmlElement]:
        """The entries of the page about oneself, newest first."""
        return self.see("/me/").xpath("//li[starts-with(@id, 'entry-')]")

    def _shown(self, answer: httpx.Response) -> html.HtmlElement:
        assert answer.status_code == 200, (answer.url, answer.status_code, answer.text)
        return html.fromstring(answer.text)


def words(element: html.HtmlElement) -> str:
    """The text of an element on one line."""
    return " ".join(element.text_content().split())
