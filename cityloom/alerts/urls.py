"""Addresses of alerts as anybody may read them."""

from django.urls import path

from cityloom.alerts import views

urlpatterns = [
    path("alerts/", views.alerts, name="alerts"),
    path("alerts/feed.xml", views.feed, name="alerts-feed"),
    path("alerts/<str:alert_id>/", views.alert, name="alert"),
    path("alerts/<str:alert_id>/cap.xml", views.cap, name="alert-cap"),
]
