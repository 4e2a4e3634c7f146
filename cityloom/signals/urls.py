"""Addresses of the pages about sensors and reports."""

from django.urls import path, re_path

from cityloom.signals.api.bulk import post_readings
from cityloom.signals.api.view import service
from cityloom.signals.views import reports, sensors

urlpatterns = [
    path("sensors/", sensors.sensors, name="sensors"),
    path("reports/", reports.reports, name="reports"),
    path("reports/<str:report_id>/", reports.one, name="report-card"),
    path("reports/<str:report_id>/open/", reports.open_it, name="open-report"),
    path("ingest/readings", post_readings, name="ingest-readings"),
    re_path(r"^sta/v1\.1(?:/(?P<path>.*))?$", service, name="sensorthings"),
]
