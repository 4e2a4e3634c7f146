"""Addresses of what every page offers."""

from django.urls import path

from cityloom.ui import views

urlpatterns = [path("theme/", views.set_theme, name="set-theme")]
