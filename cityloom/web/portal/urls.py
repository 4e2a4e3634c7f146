"""Addresses of the pages for residents."""

from django.urls import path

from cityloom.web.portal import figures, installed, views

urlpatterns = [
    path("portal/", views.home, name="portal"),
    path("portal/manifest.webmanifest", installed.manifest, name="manifest"),
    path("portal/worker.js", installed.worker, name="portal-worker"),
    path("services/", views.services, name="services"),
    path("figures/", figures.figures, name="figures"),
    path("figures/all.csv", figures.as_csv, name="figures-csv"),
    path("figures/all.json", figures.as_json, name="figures-json"),
    path("figures/<slug:key>.csv", figures.series_csv, name="figure-csv"),
    path("how/", views.how, name="how"),
    path("offline/", views.offline, name="offline"),
]
