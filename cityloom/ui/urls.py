"""Addresses of what every page offers, and of the design language."""

from django.urls import path

from cityloom.ui import views

urlpatterns = [
    path("theme/", views.set_theme, name="set-theme"),
    path("ui/", views.show_parts, name="ui-parts"),
    path("ui/confirm/", views.show_confirmation, name="ui-confirm"),
]
