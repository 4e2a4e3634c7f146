"""Addresses of what a resident sees."""

from django.urls import path

from cityloom.gate import views

urlpatterns = [
    path("me/", views.me, name="me"),
    path("me/bundle.json", views.bundle, name="me-bundle"),
    path("me/contest/", views.contest, name="me-contest"),
    path("me/seen/", views.seen, name="me-seen"),
]
