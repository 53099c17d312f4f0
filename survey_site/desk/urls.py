"""Addresses of recruitment, for researchers."""

from django.urls import path

from survey_site.desk.pages import reconciliation

urlpatterns = [path("<slug:slug>/", reconciliation.reconciliation, name="reconciliation")]
