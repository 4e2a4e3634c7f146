"""Addresses of the pages of insight."""

from django.urls import path

from cityloom.insight.views import asking, brief, forecasts, hotspots, indexes, reviews, studies, study_asking

urlpatterns = [
    path("brief/", brief.brief, name="brief"),
    path("insight/hotspots/", hotspots.hotspots, name="hotspots"),
    path("insight/hotspots/<str:alarm_id>/", hotspots.hotspot, name="hotspot"),
    path("insight/hotspots/<str:alarm_id>/answer/", hotspots.answer, name="answer-hotspot"),
    path("insight/forecasts/", forecasts.forecasts, name="forecasts"),
    path("insight/forecasts/publish/<str:study_id>/", forecasts.publish, name="publish-forecast"),
    path("insight/forecasts/<str:forecast_id>/", forecasts.forecast, name="forecast"),
    path("insight/forecasts/<str:forecast_id>/csv/", forecasts.as_csv, name="forecast-csv"),
    path("insight/reviews/", reviews.reviews, name="reviews"),
    path("insight/reviews/new/", asking.new, name="new-review"),
    path("insight/reviews/<str:review_id>/", reviews.review, name="review"),
    path("insight/reviews/<str:review_id>/json/", reviews.as_json, name="review-json"),
    path("insight/reviews/<str:review_id>/again/", asking.again, name="review-again"),
    path("insight/reviews/<str:review_id>/cancel/", asking.cancel, name="cancel-review"),
    path("insight/studies/", studies.studies, name="studies"),
    path("insight/studies/new/<slug:kind>/", study_asking.new, name="new-study"),
    path("insight/studies/<str:study_id>/", studies.study, name="study"),
    path("insight/studies/<str:study_id>/steps/<slug:name>/", studies.step, name="study-step"),
    path("insight/studies/<str:study_id>/zip/", studies.as_zip, name="study-zip"),
    path("insight/studies/<str:study_id>/memo/", studies.memo, name="study-memo"),
    path("insight/studies/<str:study_id>/brief/", study_asking.brief_study, name="brief-study"),
    path("insight/studies/<str:study_id>/cancel/", study_asking.cancel, name="cancel-study"),
    path("insight/indexes/", indexes.indexes, name="indexes"),
    path("insight/indexes/<str:study_id>/", indexes.ranking, name="index"),
    path("insight/indexes/<str:study_id>/unit/", indexes.unit, name="index-unit"),
    path("insight/indexes/<str:study_id>/compare/", indexes.compare, name="index-compare"),
    path("insight/indexes/<str:study_id>/structure/", indexes.structure, name="index-structure"),
    path("insight/indexes/<str:study_id>/recipe/", indexes.recipe_of, name="index-recipe"),
    path("insight/indexes/<str:study_id>/csv/", indexes.as_csv, name="index-csv"),
    path("insight/indexes/<str:study_id>/pdf/", indexes.as_pdf, name="index-pdf"),
]
