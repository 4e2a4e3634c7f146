"""Addresses of the public log and of the page that checks a bundle."""

from django.urls import path

from cityloom.audit import views

urlpatterns = [
    path("log/checkpoint", views.checkpoint, name="log-checkpoint"),
    path("log/tile/<path:path>", views.tile, name="log-tile"),
    path("log/bundle.schema.json", views.schema, name="bundle-schema"),
    path("verify/", views.verify, name="verify"),
    path("verify/verifier.py", views.verifier, name="verifier"),
    path("verify/alone.html", views.verify_alone, name="verify-alone"),
]
