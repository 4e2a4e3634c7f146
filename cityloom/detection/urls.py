"""Addresses of the pages about detections."""

from django.urls import path

from cityloom.detection.views import detections, misses, rule_packs, scorecard, sensors

urlpatterns = [
    path("detections/", detections.detections, name="detections"),
    path("detections/scorecard/", scorecard.scorecard, name="scorecard"),
    path("detections/scorecard/export/", scorecard.export, name="export-scorecard"),
    path("detections/missed/", misses.misses, name="misses"),
    path("detections/missed/<str:miss_id>/withdraw/", misses.withdraw, name="withdraw-miss"),
    path("sensors/list/", sensors.sensors, name="sensor-list"),
    path("sensors/<int:number>/", sensors.sensor, name="sensor"),
    path("sensors/<int:number>/calibrate/", sensors.calibrate, name="calibrate-sensor"),
    path("rule-packs/", rule_packs.rule_packs, name="rule-packs"),
    path("rule-packs/write/", rule_packs.write, name="write-rules"),
    path("rule-packs/trials/<str:trial_id>/", rule_packs.trial, name="trial"),
    path("rule-packs/trials/<str:trial_id>/cancel/", rule_packs.cancel, name="cancel-trial"),
    path("rule-packs/pack/<str:name>/", rule_packs.rule_pack, name="rule-pack"),
    path("rule-packs/pack/<str:name>/put/", rule_packs.put, name="put-rules"),
    path("detections/<str:detection_id>/", detections.detection, name="detection"),
    path("detections/<str:detection_id>/judge/", detections.judge, name="judge-detection"),
]
