"""Addresses of incidents and notices."""

from django.urls import path

from cityloom.emergency.views import decisions, room

urlpatterns = [
    path("incidents/<str:incident_id>/", room.incident, name="incident"),
    path("incidents/<str:incident_id>/approve/", decisions.approve, name="approve"),
    path("incidents/<str:incident_id>/send-back/", decisions.send_back, name="send-back"),
    path("incidents/<str:incident_id>/propose/", decisions.propose, name="propose"),
    path("incidents/<str:incident_id>/update/", decisions.update, name="update"),
    path("incidents/<str:incident_id>/end/", decisions.end, name="end"),
    path("incidents/<str:incident_id>/write/", decisions.write, name="write-entry"),
    path("incidents/<str:incident_id>/presence/", room.presence, name="presence"),
    path("incidents/<str:incident_id>/still/", room.still, name="still"),
    path("incidents/<str:incident_id>/alerts/<str:alert_id>.xml", room.alert_xml, name="alert-xml"),
    path("notices/<str:notice_id>/acknowledge/", decisions.acknowledge, name="acknowledge"),
]
