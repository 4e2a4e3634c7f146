"""Addresses of incidents and notices."""

from django.urls import path

from cityloom.emergency import views

urlpatterns = [
    path("incidents/<str:incident_id>/", views.incident, name="incident"),
    path("incidents/<str:incident_id>/approve/", views.approve, name="approve"),
    path("incidents/<str:incident_id>/send-back/", views.send_back, name="send-back"),
    path("incidents/<str:incident_id>/propose/", views.propose, name="propose"),
    path("incidents/<str:incident_id>/update/", views.update, name="update"),
    path("incidents/<str:incident_id>/end/", views.end, name="end"),
    path("incidents/<str:incident_id>/still/", views.still, name="still"),
    path("incidents/<str:incident_id>/alerts/<str:alert_id>.xml", views.alert_xml, name="alert-xml"),
    path("notices/<str:notice_id>/acknowledge/", views.acknowledge, name="acknowledge"),
]
