"""Addresses of drills."""

from django.urls import path

from cityloom.drills.views import drills, running

urlpatterns = [
    path("drills/", drills.drills, name="drills"),
    path("drills/start/", running.start, name="start-drill"),
    path("drills/bar/", drills.bar, name="drill-bar"),
    path("drills/<str:exercise_id>/", drills.drill, name="drill"),
    path("drills/<str:exercise_id>/pace/", running.pace, name="pace-drill"),
    path("drills/<str:exercise_id>/inject/", running.inject, name="disturb-drill"),
    path("drills/<str:exercise_id>/stop/", running.stop, name="stop-drill"),
    path("drills/<str:exercise_id>/remove/", running.remove, name="remove-drill"),
    path("drills/<str:exercise_id>/report.<str:kind>", drills.report, name="drill-report"),
]
