"""Addresses of the pages about detections."""

from django.urls import path

from cityloom.detection.views import detections, scorecard

urlpatterns = [
    path("detections/", detections.detections, name="detections"),
    path("detections/scorecard/", scorecard.scorecard, name="scorecard"),
    path("detections/scorecard/export/", scorecard.export, name="export-scorecard"),
    path("detections/<str:detection_id>/", detections.detection, name="detection"),
    path("detections/<str:detection_id>/judge/", detections.judge, name="judge-detection"),
]
