"""Addresses of a worker's tasks."""

from django.urls import path

from cityloom.fieldwork import views

urlpatterns = [
    path("tasks/<str:task_id>/", views.task, name="task"),
    path("tasks/<str:task_id>/<str:step>/", views.move, name="task-step"),
]
