"""Addresses of the pages about sensors and reports."""

from django.urls import path

from cityloom.signals.views import sensors

urlpatterns = [
    path("sensors/", sensors.sensors, name="sensors"),
]
