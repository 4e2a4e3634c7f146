"""Addresses of the pages of insight."""

from django.urls import path

from cityloom.insight.views import asking, brief, reviews

urlpatterns = [
    path("brief/", brief.brief, name="brief"),
    path("insight/reviews/", reviews.reviews, name="reviews"),
    path("insight/reviews/new/", asking.new, name="new-review"),
    path("insight/reviews/<str:review_id>/", reviews.review, name="review"),
    path("insight/reviews/<str:review_id>/json/", reviews.as_json, name="review-json"),
    path("insight/reviews/<str:review_id>/again/", asking.again, name="review-again"),
    path("insight/reviews/<str:review_id>/cancel/", asking.cancel, name="cancel-review"),
]
