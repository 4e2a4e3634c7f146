"""Rule packs: what runs, what comes with the program, versions, and rules that are tried before they run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityloom.accounts import queries as accounts
from cityloom.detection import actions, policies, queries
from cityloom.detection.domain.cause import Cause
from cityloom.detection.domain.judging import LONGEST_REASON
from cityloom.detection.domain.pack import Pack
from cityloom.detection.trust import trials
from cityloom.detection.views import cause_words, trying
from cityloom.detection.views.asking import actor_of, why_not
from cityloom.detection.views.rule_words import condition_words, time_words, titled
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.ui.once import only_once
from cityloom.ui.words import sentence_of

_BEGINNING = """cityloom: 1
pack: my-rules
title: {en: My rules, zh-hans: 我的规则}
rules:
  - rule: low-pressure
    title: {en: Pressure is low, zh-hans: 压力偏低}
    quiet: 1 h
    when: {kind: pressure, below: 150, unit: kPa, for: 10 min}
"""


@require_safe
def rule_packs(request: HttpRequest) -> HttpResponse:
    """All packs: those of the city, and those that come with the program."""
    held, files = queries.versions_in_force(), _files()
    kept = {name: queries.versions_of(name) for name in sorted(queries.kept_packs())}
    texts = {name: path.read_text(encoding="utf-8") for name, path in files.items()}
    texts |= {name: found[0].text for name, found in kept.items()}
    rows = [
        {"name": name, "title": titled(pack.title), "rules": _count(pack), "is_cause": isinstance(pack, Cause),
         "held": held.get(name), "versions": len(kept.get(name, ())), "is_shipped": name in files}
        for name, pack in ((name, queries.written(text)) for name, text in sorted(texts.items()))
    ]  # fmt: skip
    return render(request, "detection/rule_packs.html", {
        "rows": rows, "trials": trying.listed(),
        "why_not_write": why_not(policies.check_can_write_packs, actor_of(request)),
    })  # fmt: skip


@require_safe
def rule_pack(request: HttpRequest, name: str) -> HttpResponse:
    """One pack: the rules that run, in words, its versions, and when which of them ran."""
    return _page(request, name)


@require_http_methods(["GET", "HEAD", "POST"])
@only_once
def write(request: HttpRequest) -> HttpResponse:
    """Write rules, have them checked and tried on the past, and keep them as a version."""
    by = actor_of(request)
    if request.method != "POST":
        return _written(request, _begun(request), {})
    policies.check_can_write_packs(by)
    text = trying.text_of(request)
    try:
        pack = queries.written(text)
        if request.POST.get("do") == "try":
            key = actions.ask_for_trial(text=text, on=trying.past_of(request), by=by, at=clock.now())
            return redirect("trial", key)
        if request.POST.get("do") != "keep":
            return _written(request, text, {"is_well": True, "pack": pack} | _in_words(pack))
        name, number = actions.keep_pack(text=text, reason=request.POST.get("reason", ""), by=by, at=clock.now())
    except Refused as refusal:
        fault = {"refusal": sentence_of(refusal), "near": trying.near(text, refusal)}
        return _written(request, text, fault, status=422)
    messages.success(request, _("Kept as version {number}; it does not run yet.").format(number=number))
    return redirect("rule-pack", name)


@require_safe
def trial(request: HttpRequest, trial_id: str) -> HttpResponse:
    """Rules that are tried on the past: how far that is, and what came of it; `?fragment=state` is that part alone."""
    row = trials.found(trial_id)
    told = trying.told(row)
    name = "_trial" if request.GET.get("fragment") else "trial"
    return render(request, f"detection/{name}.html", told | _in_words(told["pack"]) | {
        "title": titled(told["pack"].title),
        "why_not": why_not(policies.check_can_write_packs, actor_of(request)),
    })  # fmt: skip


@require_POST
@only_once
def cancel(request: HttpRequest, trial_id: str) -> HttpResponse:
    """End a trial that nobody needs."""
    actions.cancel_trial(trial_id=trial_id, by=actor_of(request), at=clock.now())
    return redirect("trial", trial_id)


@require_POST
@only_once
def put(request: HttpRequest, name: str) -> HttpResponse:
    """Put a version in force, or take the pack out of force."""
    reason, number = request.POST.get("reason", ""), request.POST.get("number", "")
    by, at = actor_of(request), clock.now()
    try:
        if number == "0":
            actions.withdraw_pack(pack=name, reason=reason, by=by, at=at)
            messages.success(request, _("The pack is not in force any more."))
        else:
            chosen = int(number) if number.isdecimal() and len(number) < 6 else -1
            actions.put_in_force(pack=name, number=chosen, reason=reason, by=by, at=at)
            messages.success(request, _("Version {number} is in force.").format(number=number))
    except Refused as refusal:
        if refusal.code != "detection.alone":
            raise
        return _page(request, name, refusal=sentence_of(refusal), status=422)
    return redirect("rule-pack", name)


def _page(request: HttpRequest, name: str, status: int = 200, **more: Any) -> HttpResponse:
    versions, shipped = queries.versions_of(name), _files()
    if not versions and name not in shipped:
        raise Http404
    by = actor_of(request)
    held = next((one for one in versions if one.in_force_since), None)
    text = held.text if held else versions[0].text if versions else shipped[name].read_text(encoding="utf-8")
    pack = queries.written(text)
    return render(request, "detection/rule_pack.html", _in_words(pack) | {
        "name": name, "title": titled(pack.title), "held": held, "versions": versions,
        "steps": queries.steps_of(name), "units": accounts.unit_names_of({one.unit for one in versions}),
        "shown": held.number if held else versions[0].number if versions else 0, "is_shipped": name in shipped,
        "why_not_write": why_not(policies.check_can_write_packs, by), "longest": LONGEST_REASON,
        "why_not_put": why_not(policies.check_can_put_in_force, by, "", ""),
        "trials": trying.listed(digests={one.digest for one in versions}),
    } | more, status=status)  # fmt: skip


def _written(request: HttpRequest, text: str, more: dict[str, Any], status: int = 200) -> HttpResponse:
    context = {
        "text": text, "periods": trying.PERIODS, "period": request.POST.get("period", "month"),
        "reason": request.POST.get("reason", "")[:LONGEST_REASON], "longest": LONGEST_REASON,
        "why_not": why_not(policies.check_can_write_packs, actor_of(request)),
    }  # fmt: skip
    return render(request, "detection/write_rules.html", context | more, status=status)


def _begun(request: HttpRequest) -> str:
    """What the page begins with: a version of a pack, a shipped one, or an example."""
    name, number = request.GET.get("pack", ""), request.GET.get("version", "")
    if request.GET.get("trial"):
        return trials.found(request.GET["trial"]).text
    if number.isdecimal() and len(number) < 6:
        return queries.pack_version(name, int(number)).text
    path = _files().get(name)
    return path.read_text(encoding="utf-8") if path else _BEGINNING


def _files() -> dict[str, Path]:
    """All packs that come with the program, of rules and of causes."""
    return queries.shipped_pack_files() | queries.shipped_cause_files()


def _count(pack: Pack | Cause) -> int:
    return len(pack.rules) if isinstance(pack, Pack) else len(pack.signs) + len(pack.calls)


def _in_words(pack: Pack | Cause) -> dict[str, Any]:
    if isinstance(pack, Cause):
        return {"cause": cause_words.facts(pack), "signs": cause_words.signs(pack)}
    return {"rules": _rules(pack)}


def _rules(pack: Pack) -> list[dict[str, str]]:
    return [
        {"name": rule.name, "title": titled(rule.title), "words": condition_words(rule.when),
         "quiet": time_words(rule.quiet_s)}
        for rule in pack.rules
    ]  # fmt: skip
