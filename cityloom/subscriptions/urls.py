"""Addresses of warnings for my places."""

from django.urls import path

from cityloom.subscriptions import views

_LINK = "<str:subscription_id>/<str:secret>/"
urlpatterns = [
    path("places/", views.places, name="places"),
    path("places/sent/", views.sent, name="places-sent"),
    path("places/stopped/", views.stopped, name="places-stopped"),
    path("places/streets.json", views.streets, name="places-streets"),
    path("places/worker.js", views.worker, name="places-worker"),
    path(f"places/confirm/{_LINK}", views.confirm, name="places-confirm"),
    path(f"places/manage/{_LINK}", views.manage, name="places-manage"),
    path(f"places/stop/{_LINK}", views.stop, name="places-stop"),
    path(f"places/stop-now/{_LINK}", views.stop_now, name="places-stop-now"),
]
