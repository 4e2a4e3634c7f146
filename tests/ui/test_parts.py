"""The parts of pages: errors lead to fields, two clicks have one effect, the living page shows everything."""

from __future__ import annotations

from pathlib import Path

import pytest
from django import forms
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect
from django.template import Context, Template
from django.utils.translation import override
from lxml import html

from cityloom.accounts.models import Account
from cityloom.kernel import ids
from cityloom.kernel.refused import Refused
from cityloom.ui import living, once, views
from cityloom.ui.confirmation import Question, asked
from cityloom.ui.once import only_once

pytestmark = pytest.mark.django_db  # a page says whether a drill is on


class Address(forms.Form):
    street = forms.CharField(help_text="As on the sign")
    kind = forms.ChoiceField(choices=[("a", "A"), ("b", "B")], widget=forms.RadioSelect)


def drawn(template: str, **context: object) -> html.HtmlElement:
    text = Template("{% load parts %}" + template).render(Context(context))
    return html.fromstring(f"<div>{text}</div>")


def test_a_form_that_is_wrong_says_so_first_and_leads_to_each_field() -> None:
    page = drawn("{% fields form %}", form=Address({}))
    (summary,) = page.xpath(".//*[@role='alert']")
    links = [link.get("href").removeprefix("#") for link in summary.xpath(".//a")]
    assert len(links) == 2
    for target in links:
        assert page.xpath(".//*[@id=$id]", id=target), target


def test_hints_and_errors_belong_to_their_field() -> None:
    page = drawn("{% fields form %}", form=Address({}))
    for named in page.xpath(".//@aria-describedby"):
        for id_ in named.split():
            assert page.xpath(".//*[@id=$id]", id=id_), id_
    assert page.xpath(".//input[@name='street']/@aria-invalid") == ["true"]


def test_a_form_that_nobody_has_sent_complains_of_nothing() -> None:
    assert not drawn("{% fields form %}", form=Address()).xpath(".//*[@role='alert']")


def test_pages_of_a_list_keep_what_was_searched_for(rf) -> None:
    request = rf.get("/", {"q": "a&b", "page": "2"})
    page = drawn("{% pages found %}", request=request, found=Paginator(range(95), 10).page(2))
    assert "?q=a%26b&page=3" in page.xpath(".//a/@href")
    assert page.xpath("string(.//a[@aria-current])").split() == ["Page", "2"]


def test_before_something_dangerous_a_page_says_what_follows(rf) -> None:
    question = Question("End it?", ["Grants <end>."], "End it", "/back/")
    request = rf.post("/end/", {"incident": "1", "tag": ["a", "b"], "once": "x"})
    request.user = Account(roles=[])
    page = html.fromstring(asked(request, question).content.decode())
    (form,) = page.xpath("//main//form")
    sent = [(name, value) for name, value in form.form_values() if name not in ("once", "csrfmiddlewaretoken")]
    assert sent == [("confirmed", "yes"), ("incident", "1"), ("tag", "a"), ("tag", "b")]
    assert "Grants <end>." in page.text_content()
    assert asked(rf.post("/end/", dict(sent)), question) is None


@pytest.mark.django_db
def test_two_clicks_on_one_page_have_one_effect(rf) -> None:
    done = []

    @only_once
    def view(request) -> HttpResponse:
        done.append(1)
        return HttpResponseRedirect(f"/made/{len(done)}/")

    word = ids.random_token()
    answers = [view(rf.post("/", {"once": word})) for _ in range(3)]
    assert (len(done), {answer.url for answer in answers}) == (1, {"/made/1/"})
    view(rf.post("/", {"once": ids.random_token()}))
    assert len(done) == 2


@pytest.mark.django_db
def test_a_form_that_was_shown_again_or_that_failed_may_be_sent_again(rf) -> None:
    outcomes = iter([HttpResponse(status=422), ValueError("a defect"), HttpResponseRedirect("/made/")])

    @only_once
    def view(request) -> HttpResponse:
        outcome = next(outcomes)
        if isinstance(outcome, ValueError):
            raise outcome
        return outcome

    request = rf.post("/", {"once": ids.random_token()})
    assert view(request).status_code == 422
    with pytest.raises(ValueError, match="a defect"):
        view(request)
    assert view(request).url == "/made/"


@pytest.mark.django_db
def test_a_click_while_the_first_is_still_at_work_does_nothing(rf, monkeypatch) -> None:
    monkeypatch.setattr(once, "_PATIENCE_S", 0.1)
    request = rf.post("/", {"once": ids.random_token()})
    done = []

    @only_once
    def view(request) -> HttpResponse:
        done.append(1)
        with pytest.raises(Refused, match="sent twice"):
            view(request)
        return HttpResponseRedirect("/made/")

    assert view(request).url == view(request).url == "/made/"
    assert len(done) == 1


@pytest.mark.django_db
def test_a_click_that_waited_for_one_that_was_not_taken_is_answered_by_the_page(rf, monkeypatch) -> None:
    word = ids.random_token()
    once._claim(word)  # the first click is at work
    monkeypatch.setattr(once.time, "sleep", lambda _: once._release(word))  # and its form is shown again
    second = only_once(lambda request: HttpResponse("what was typed, and why not", status=422))
    assert second(rf.post("/", {"once": word})).status_code == 422


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_living_page_shows_every_part_with_its_template(language: str, rf) -> None:
    request = rf.get("/ui/")
    request.user = Account(roles=["operator"])
    with override(language):
        page = html.fromstring(views.show_parts(request).content.decode())
    drawn = {section.get("id"): section for section in page.xpath("//main//section[.//pre]")}
    kept = {path.stem for path in Path(living.__file__).parent.glob("templates/ui/parts/*.html")}
    assert set(drawn) == kept
    for key, section in drawn.items():
        assert section.xpath(".//*[@class='example']/*"), key
        assert "{%" in section.xpath("string(.//pre)") or key == "empty", key
