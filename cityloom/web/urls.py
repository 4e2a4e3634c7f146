"""Addresses of pages that show several capabilities together."""

from django.urls import include, path

from cityloom.web import lake, map_page, search, views
from cityloom.web import map as maps

urlpatterns = [
    path("", views.front, name="front"),
    path("", include("cityloom.web.portal.urls")),
    path("operator/dead-letters/", views.dead_letters, name="dead-letters"),
    path("operator/dead-letters/replay/", views.replay, name="replay"),
    path("lake/", lake.lake, name="lake"),
    path("map/", map_page.city_map, name="map"),
    path("health/", views.health, name="health"),
    path("health/live/", views.alive, name="alive"),
    path("map/layers.json", maps.layers, name="map-layers"),
    path("map/search", search.as_json, name="map-search"),
    path("search/", search.page, name="search"),
    path("map/card/<slug:layer>/<str:feature>/", maps.card, name="map-card"),
    path("map/live/<slug:layer>.json", maps.live, name="map-live"),
    path("tiles/<str:version>/<slug:tiles>/<int:z>/<int:x>/<int:y>.mvt", maps.tile, name="tile"),
]
