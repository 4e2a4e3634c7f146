"""Addresses of the demo identity provider."""

from django.urls import path

from cityloom.web.contrib.demo_identity import views

urlpatterns = [
    path(".well-known/openid-configuration", views.discovery, name="demo-identity-discovery"),
    path("authorize/", views.authorize, name="demo-identity-authorize"),
    path("token/", views.token, name="demo-identity-token"),
    path("userinfo/", views.userinfo, name="demo-identity-userinfo"),
    path("keys/", views.keys, name="demo-identity-keys"),
]
