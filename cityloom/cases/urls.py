"""Addresses of the pages about cases."""

from django.urls import path

from cityloom.cases.views import (
    case,
    classifying,
    deeds,
    dispute,
    dispute_figures,
    documents,
    listing,
    matters,
    routing,
    rules,
    types,
)

urlpatterns = [
    path("cases/", listing.cases, name="cases"),
    path("cases/new/", deeds.new, name="new-case"),
    path("cases/routing/", routing.routing, name="case-routing"),
    path("cases/classifier/", classifying.classifier, name="case-classifier"),
    path("cases/matters/", matters.listed, name="case-matters"),
    path("cases/matters/<str:case_id>/", matters.matter, name="case-matter"),
    path("cases/<str:case_id>/", case.case, name="case"),
    path("cases/<str:case_id>/join/", matters.join, name="case-join"),
    path("cases/<str:case_id>/part/", matters.part, name="case-part"),
    path("cases/<str:case_id>/lead/", matters.lead, name="case-lead"),
    path("cases/<str:case_id>/apart/", matters.apart, name="case-apart"),
    path("cases/<str:case_id>/step/", deeds.step, name="case-step"),
    path("cases/<str:case_id>/note/", deeds.note, name="case-note"),
    path("cases/<str:case_id>/give/", deeds.give, name="case-give"),
    path("cases/<str:case_id>/offer/", deeds.offer, name="case-offer"),
    path("cases/<str:case_id>/accept/", deeds.accept, name="case-accept"),
    path("cases/<str:case_id>/clock/", deeds.turn, name="case-clock"),
    path("cases/<str:case_id>/files/", documents.add, name="case-files"),
    path("cases/<str:case_id>/files/<str:file_id>/", documents.one, name="case-file"),
    path("cases/<str:case_id>/files/<str:file_id>/release/", documents.release, name="case-file-release"),
    path("released/<str:file_id>.jpg", documents.released, name="released-photo"),
    path("cases/<str:case_id>/dispute/", dispute.deed, name="dispute-deed"),
    path("cases/<str:case_id>/parties/", dispute.opening, name="dispute-parties"),
    path("disputes/", dispute.disputes, name="disputes"),
    path("disputes/figures/", dispute_figures.dispute_figures, name="dispute-figures"),
    path("disputes/<str:case_id>/", dispute.dispute, name="dispute"),
    path("case-rules/", rules.rules, name="case-rules"),
    path("case-types/", types.casetypes, name="case-types"),
    path("case-types/<str:name>/", types.casetype, name="case-type"),
]
