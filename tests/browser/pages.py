"""Every page of the city, who may see it, and how one gets there; what is no page says so.

A new address fails `test_every_page_is_looked_at` until it stands here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpResponseNotAllowed
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver


@dataclass(frozen=True)
class Sight:
    """A page: who looks (a demo account's title, "resident", "nobody" or OWN), from which address, by which link.

    `rest` follows upon the address of the link.
    """

    name: str
    who: str
    path: str
    link: str = ""
    rest: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.who})"


OWN = "an account of its own"
"""One that signs in with a password; demo accounts have none."""
TWO = "an account with two factors"
"""One that has an authenticator app, recovery codes and a passkey besides."""
HALF = "an account half signed in"
"""One whose password was right, and whose code is still asked for."""

PAGES = (
    Sight("portal", "nobody", "/portal/"), Sight("services", "nobody", "/services/?q=data"),
    Sight("how", "nobody", "/how/"), Sight("offline", "nobody", "/offline/"), Sight("verify", "nobody", "/verify/"),
    Sight("sign-in", "nobody", "/sign-in/"), Sight("account_inactive", "nobody", "/sign-in/closed/"),
    Sight("demo-identity-authorize", "nobody", "/sign-in/with/demo-residents/"),
    Sight("report", "nobody", "/report/"), Sight("report-received", "nobody", f"/report/received/{'0' * 26}/"),
    Sight("my-report", "nobody", "/my-report/"),
    Sight("places", "nobody", "/places/"), Sight("places-sent", "nobody", "/places/sent/"),
    Sight("places-stopped", "nobody", "/places/stopped/"), Sight("places-confirm", "nobody", "/places/confirm/a/b/"),
    Sight("places-stop", "nobody", "/places/stop/a/b/"), Sight("alerts", "nobody", "/alerts/"),
    Sight("alert", "nobody", "/alerts/", ".alert-list a"),
    Sight("apply", "nobody", "/apply/"), Sight("application-code", "nobody", "/apply/code/"),
    Sight("apply-for", "nobody", "/apply/permit/street-use/"),
    Sight("apply-for", "resident", "/apply/permit/resident-parking/"),
    Sight("decision-table", "nobody", "/case-rules/permit-street-use/1/?try=1&in-use=stall&in-area_m2=9"),
    Sight("newest-table", "Supervisor of cases", "/case-rules/permit-tree-felling/"),
    Sight("figures", "nobody", "/figures/"), Sight("sensors", "nobody", "/sensors/"),
    Sight("front", "resident", "/"), Sight("me", "resident", "/me/"), Sight("mine", "resident", "/account/"),
    Sight("verify", "resident", "/verify/"), Sight("refused", "resident", "/gate/"),
    Sight("brief", "Commander", "/brief/"),
    Sight("front", "Commander", "/"), Sight("incident", "Commander", "/", "main a[href^='/incidents/']"),
    Sight("end", "Commander", "/", "main a[href^='/incidents/']", "end/?action=cancel"),
    Sight("glass", "Commander", "/gate/glass/"), Sight("health", "Commander", "/health/"),
    Sight("mine", "Commander", "/account/"), Sight("verify", "Commander", "/verify/"),
    Sight("portal", "Commander", "/portal/"), Sight("refused", "Commander", "/me/"),
    Sight("map", "Commander", "/map/"), Sight("search", "Commander", "/search/?q=road"),
    Sight("detections", "Duty officer", "/detections/?of=drills"),
    Sight("detection", "Duty officer", "/detections/?of=drills", "main tbody a"),
    Sight("sensor-list", "Water company desk", "/sensors/list/?kind=pressure"),
    Sight("sensor", "Water company desk", "/sensors/list/?kind=pressure", "main tbody a"),
    Sight("rule-packs", "Duty officer", "/rule-packs/"), Sight("rule-pack", "Duty officer", "/rule-packs/pack/pipes/"),
    Sight("write-rules", "Duty officer", "/rule-packs/write/?pack=pipes"),
    Sight("scorecard", "Auditor", "/detections/scorecard/?of=drills"),
    Sight("misses", "Duty officer", "/detections/missed/"),
    Sight("reports", "Duty officer", "/reports/"), Sight("drills", "Operator", "/drills/"),
    Sight("drill", "Commander", "/drills/", "main table a[href^='/drills/']"),
    Sight("take-call", "Duty officer", "/reports/take/"),
    Sight("report-card", "Duty officer", "/reports/", "main tbody a"),
    Sight("front", "Operator", "/"), Sight("dead-letters", "Operator", "/operator/dead-letters/"),
    Sight("contractors", "Operator", "/contractors/"), Sight("ui-parts", "Operator", "/ui/"),
    Sight("gate", "Case handler", "/gate/"), Sight("dwellings", "Case handler", "/gate/dwellings/"),
    Sight("statuses", "Case handler", "/gate/statuses/"),
    Sight("gate", "Supervisor of cases", "/gate/"), Sight("assign", "Supervisor of cases", "/gate/", "a.button"),
    Sight("cases", "Case handler", "/cases/"), Sight("case", "Case handler", "/cases/", "main tbody a"),
    Sight("case-release", "Case handler", "/cases/", "main tbody a", "release/"),
    Sight("new-case", "Case handler", "/cases/new/?type=request&category=street-light"),
    Sight("case-matters", "Case handler", "/cases/matters/"),
    Sight("case-types", "Duty officer", "/case-types/"), Sight("case-type", "Duty officer", "/case-types/request/"),
    Sight("case-tasks", "Water company desk", "/cases/tasks/"),
    Sight("case-processes", "Data steward", "/case-processes/"),
    Sight("case-process", "Case handler", "/case-processes/consultation/"),
    Sight("case-rules", "Duty officer", "/case-rules/"),
    Sight("hotspots", "Auditor", "/insight/hotspots/"),
    Sight("reviews", "Auditor", "/insight/reviews/"),
    Sight("new-review", "Supervisor of cases", "/insight/reviews/new/"),
    Sight("review", "Supervisor of cases", "/insight/reviews/", "main tbody a"),
    Sight("forecasts", "Supervisor of cases", "/insight/forecasts/"),
    Sight("forecast", "Supervisor of cases", "/insight/forecasts/", "main tbody a"),
    Sight("studies", "Auditor", "/insight/studies/"),
    Sight("new-study", "Supervisor of cases", "/insight/studies/new/trend/"),
    Sight("study", "Supervisor of cases", "/insight/studies/", "main tbody a"),
    Sight("study-step", "Supervisor of cases", "/insight/studies/", "main tbody a", "steps/years/"),
    Sight("indexes", "Auditor", "/insight/indexes/"),
    *(Sight(name, "Supervisor of cases", "/insight/indexes/", "main ul.plain a", rest) for name, rest in (
        ("index", ""), ("index-unit", "unit/"), ("index-compare", "compare/"), ("index-structure", "structure/"),
        ("index-recipe", "recipe/"))),
    Sight("case-routing", "Supervisor of cases", "/cases/routing/"),
    Sight("case-classifier", "Supervisor of cases", "/cases/classifier/"),
    Sight("case-figures", "Case handler", "/cases/figures/?by=category"),
    Sight("counted-cases", "Case handler", "/cases/figures/cases/?formula=response&label=within-time"),
    Sight("disputes", "Supervisor of cases", "/disputes/"),
    Sight("dispute-figures", "Auditor", "/disputes/figures/?by=category&over=month"),
    Sight("zones", "Data steward", "/zones/"), Sight("zone-plan", "Data steward", "/zones/", "main tbody a"),
    Sight("zone-area", "Data steward", "/zones/", "main tbody a", "area/?unit=city/d01/s01"),
    Sight("registers", "Data steward", "/registers/?q=a"), Sight("lake", "Data steward", "/lake/"),
    Sight("organisation", "Data steward", "/organisations/91440306MA00000008/?known=2026-01-01"),
    Sight("register", "Data steward", "/registers/buildings/?q=a"),
    Sight("register-network", "Data steward", "/registers/mains/network/"),
    Sight("register-entry", "Data steward", "/registers/buildings/entry/B-1/?known=2026-01-01"),
    Sight("city-building", "Data steward", "/buildings/1/"), Sight("city-place", "Data steward", "/facilities/1/"),
    Sight("people", "Data steward", "/people/"),
    Sight("disagreements", "Data steward", "/registers/disagreements/?state=open"),
    Sight("corrections", "Data steward", "/registers/corrections/"),
    Sight("my-corrections", "resident", "/me/corrections/"),
    Sight("pairs", "Data steward", "/registers/links/"),
    Sight("register-folder", "Data steward", "/registers/folder/"),
    Sight("source-rules", "Data steward", "/registers/rules/"),
    Sight("step-up", "Data steward", "/step-up/?next=/"), Sight("purposes", "Data steward", "/gate/purposes/"),
    Sight("propose-purpose", "Data steward", "/gate/purposes/propose/"),
    Sight("oversight", "Data protection officer", "/gate/oversight/"),
    Sight("gate-audit", "Auditor", "/gate/audit/"),
    Sight("incident", "Gas company desk", "/", "main a[href^='/incidents/']"),
    Sight("grant", "Case handler", "/gate/", "main a[href^='/gate/grants/']"),
    Sight("mine", OWN, "/account/"),
    Sight("account_reauthenticate", OWN, "/step-up/password/"),
    Sight("account_change_password", OWN, "/account/password/"),
    Sight("mfa_index", OWN, "/account/second-factor/"),
    Sight("mfa_activate_totp", OWN, "/account/second-factor/app/"),
    Sight("mfa_list_webauthn", OWN, "/account/second-factor/passkeys/"),
    Sight("mfa_add_webauthn", OWN, "/account/second-factor/passkeys/add/"),
    Sight("mfa_index", TWO, "/account/second-factor/"),
    Sight("mfa_deactivate_totp", TWO, "/account/second-factor/app/remove/"),
    Sight("mfa_view_recovery_codes", TWO, "/account/second-factor/codes/"),
    Sight("mfa_generate_recovery_codes", TWO, "/account/second-factor/codes/new/"),
    Sight("mfa_list_webauthn", TWO, "/account/second-factor/passkeys/"),
    Sight("mfa_edit_webauthn", TWO, "/account/second-factor/passkeys/", "main a[href$='/name/']"),
    Sight("mfa_remove_webauthn", TWO, "/account/second-factor/passkeys/", "main a[href$='/remove/']"),
    Sight("mfa_reauthenticate", TWO, "/step-up/code/"),
    Sight("mfa_reauthenticate_webauthn", TWO, "/step-up/passkey/"),
    Sight("mfa_authenticate", HALF, "/sign-in/code/"),
)  # fmt: skip

LATER = frozenset({
    "application", "case-certificate", "case-matter", "case-run", "case-task", "certificate", "compare-zones",
    "correction", "decide-application", "disagreement", "dispute", "hotspot", "my-report-of", "pair", "person",
    "places-manage", "task", "trial", "zone",
})  # fmt: skip
"""Pages that there are only in the middle of something; `test_places` looks at the first."""

NO_PAGES = frozenset({
    "alert-cap", "alerts-feed", "places-worker", "places-streets",
    "alive", "drill-bar", "drill-report", "map-search", "manifest", "portal-worker", "figures-csv", "figures-json",
    "figure-csv", "presence", "map-layers", "map-card", "map-live", "tile", "log-checkpoint", "log-tile",
    "bundle-schema", "verifier", "verify-alone", "openid_connect_login", "openid_connect_callback",
    "mfa_login_webauthn", "mfa_download_recovery_codes", "me-bundle", "demo-identity-discovery",
    "demo-identity-token", "demo-identity-userinfo", "demo-identity-keys", "still", "alert-xml", "account_login",
    "account_logout", "set_language", "gate-search", "open-fields", "ask", "second", "end-grant", "break-glass",
    "decide-purpose", "see-alarm", "review-glass", "answer-objection", "reset-breaker", "set-honey", "unmask",
    "erase-person", "organisation-people", "record-people", "export-register",
    "export-disagreements", "export-scorecard", "propose-status", "approve-status", "end-status", "sensorthings",
    "ingest-readings", "review-json", "study-zip", "study-memo", "index-csv", "index-pdf",
    "open311", "open311-discovery", "released-photo", "forecast-csv",
})  # fmt: skip
"""Forms that lead back to their page, files, figures for programs, ways elsewhere, and second names of pages."""


def unlisted() -> set[str]:
    """Names of addresses that answer a GET and stand nowhere above."""
    listed = {sight.name for sight in PAGES} | LATER | NO_PAGES
    return {pattern.name or str(pattern.pattern) for pattern in _patterns(get_resolver())
            if pattern.name not in listed and _answers_get(pattern)}  # fmt: skip


def gone() -> set[str]:
    """Names above that no address has any more."""
    known = {pattern.name for pattern in _patterns(get_resolver())} | {"refused"}
    return ({sight.name for sight in PAGES} | LATER | NO_PAGES) - known


def _patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern)
        else:
            yield pattern


def _answers_get(pattern: URLPattern) -> bool:
    """Whether a view takes a GET, as the methods say that it refuses one of; a view without such words is a page."""
    try:
        answer = pattern.callback(RequestFactory().options("/"))
    except Exception:  # it went to work, so it refuses no method
        return True
    return not isinstance(answer, HttpResponseNotAllowed) or "GET" in answer.headers["Allow"]
