"""Addresses of recruitment, for researchers."""

from django.urls import path

from survey_site.recruitment import views

urlpatterns = [path("<slug:slug>/", views.reconciliation, name="reconciliation")]
