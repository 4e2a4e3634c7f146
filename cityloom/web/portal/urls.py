"""Addresses of the pages for residents."""

from django.urls import path

from cityloom.web.portal import views

urlpatterns = [
    path("portal/", views.home, name="portal"),
    path("services/", views.services, name="services"),
    path("how/", views.how, name="how"),
    path("offline/", views.offline, name="offline"),
]
