"""Addresses of what a resident sees."""

from django.urls import path

from cityloom.gate.views import resident

urlpatterns = [
    path("me/", resident.me, name="me"),
    path("me/bundle.json", resident.bundle, name="me-bundle"),
    path("me/contest/", resident.contest, name="me-contest"),
    path("me/seen/", resident.seen, name="me-seen"),
]
