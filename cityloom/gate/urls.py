"""Addresses of the gate's pages, for people who work here and for residents; none of them names a person."""

from django.urls import path

from cityloom.gate.views import audit, cases, glass, oversight, purposes, resident, statuses

urlpatterns = [
    path("gate/", cases.home, name="gate"),
    path("gate/search/", cases.search, name="gate-search"),
    path("gate/dwellings/", cases.dwellings, name="dwellings"),
    path("gate/assign/<str:purpose>/", cases.assign, name="assign"),
    path("gate/grants/<str:grant_id>/", cases.grant, name="grant"),
    path("gate/grants/<str:grant_id>/open/", cases.open_fields, name="open-fields"),
    path("gate/grants/<str:grant_id>/ask/", cases.ask, name="ask"),
    path("gate/grants/<str:grant_id>/second/", cases.second, name="second"),
    path("gate/grants/<str:grant_id>/end/", cases.end, name="end-grant"),
    path("gate/glass/", glass.glass, name="glass"),
    path("gate/glass/break/", glass.break_it, name="break-glass"),
    path("gate/purposes/", purposes.purposes, name="purposes"),
    path("gate/purposes/propose/", purposes.propose, name="propose-purpose"),
    path("gate/purposes/decide/", purposes.decide, name="decide-purpose"),
    path("gate/oversight/", oversight.oversight, name="oversight"),
    path("gate/oversight/alarm/", oversight.see, name="see-alarm"),
    path("gate/oversight/review/", oversight.review, name="review-glass"),
    path("gate/oversight/objection/", oversight.answer, name="answer-objection"),
    path("gate/oversight/breaker/", oversight.reset, name="reset-breaker"),
    path("gate/oversight/honey/", oversight.honey, name="set-honey"),
    path("gate/oversight/unmask/", oversight.unmask, name="unmask"),
    path("gate/oversight/erase/", oversight.erase, name="erase-person"),
    path("gate/audit/", audit.audit, name="gate-audit"),
    path("gate/statuses/", statuses.statuses, name="statuses"),
    path("gate/statuses/propose/", statuses.propose, name="propose-status"),
    path("gate/statuses/approve/", statuses.approve, name="approve-status"),
    path("gate/statuses/end/", statuses.end, name="end-status"),
    path("me/", resident.me, name="me"),
    path("me/bundle.json", resident.bundle, name="me-bundle"),
    path("me/contest/", resident.contest, name="me-contest"),
    path("me/seen/", resident.seen, name="me-seen"),
]
