"""Addresses of Open311: the interface, and its discovery a step above it, where clients look first."""

from django.urls import path, re_path

from cityloom.cases.api import open311

urlpatterns = [
    re_path(r"^(?P<path>discovery\.(?:xml|json))$", open311.service, name="open311-discovery"),
    path("v2/<path:path>", open311.service, name="open311"),
]
