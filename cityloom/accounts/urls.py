"""Addresses of signing in and out."""

from django.urls import path

from cityloom.accounts import views

urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-in/demo/", views.sign_in_as_demo, name="sign-in-demo"),
    path("sign-out/", views.sign_out, name="sign-out"),
]
