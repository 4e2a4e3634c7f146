"""Addresses of the registers and of the zones."""

from django.urls import path

from cityloom.registers.views import arrivals, corrections, disagreements, ground_pages, people, records, zones

urlpatterns = [
    path("zones/", zones.zones, name="zones"),
    path("zones/draft/", zones.draft, name="draft-zones"),
    path("zones/compare/", zones.compare, name="compare-zones"),
    path("zones/<str:plan_id>/", zones.plan, name="zone-plan"),
    path("zones/<str:plan_id>/area/", zones.area, name="zone-area"),
    path("zones/<str:plan_id>/rebalance/", zones.rebalance, name="rebalance-zones"),
    path("zones/<str:plan_id>/publish/", zones.publish, name="publish-zones"),
    path("zones/<str:plan_id>/discard/", zones.discard, name="discard-zones"),
    path("zones/<str:plan_id>/<str:code>/", zones.zone, name="zone"),
    path("zones/<str:plan_id>/<str:code>/move/", zones.move, name="move-cells"),
    path("registers/", records.registers, name="registers"),
    path("registers/disagreements/", disagreements.disagreements, name="disagreements"),
    path("registers/disagreements/export/", disagreements.export, name="export-disagreements"),
    path("registers/disagreements/<int:number>/", disagreements.disagreement, name="disagreement"),
    path("registers/disagreements/<int:number>/settle/", disagreements.settle, name="settle-disagreement"),
    path("me/corrections/", corrections.mine, name="my-corrections"),
    path("me/corrections/ask/", corrections.ask, name="ask-correction"),
    path("me/corrections/<str:request_id>/withdraw/", corrections.withdraw, name="withdraw-correction"),
    path("registers/corrections/", corrections.corrections, name="corrections"),
    path("registers/corrections/<str:request_id>/", corrections.correction, name="correction"),
    path("registers/corrections/<str:request_id>/open/", corrections.open_it, name="open-correction"),
    path("registers/corrections/<str:request_id>/decide/", corrections.decide, name="decide-correction"),
    path("registers/folder/", arrivals.folder, name="register-folder"),
    path("registers/rules/", disagreements.source_rules, name="source-rules"),
    path("registers/<str:name>/", records.register, name="register"),
    path("registers/<str:name>/export/", records.export_register, name="export-register"),
    path("registers/<str:name>/people/<int:record>/<path:key>/", records.open_people, name="record-people"),
    path("registers/<str:name>/entry/<path:key>/", records.entry, name="register-entry"),
    path("buildings/<int:number>/", ground_pages.building, name="city-building"),
    path("facilities/<int:number>/", ground_pages.place, name="city-place"),
    path("people/", people.people, name="people"),
    path("people/<int:subject>/", people.person, name="person"),
    path("people/<int:subject>/opened/", people.opened, name="open-person"),
    path("organisations/<str:key>/", records.organisation, name="organisation"),
    path("organisations/<str:key>/people/<int:record>/", records.open_people, name="organisation-people"),
]
