"""Addresses of the API and of its documentation."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from survey_site.api import views

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="api-docs"),
    path("v1/", views.Root.as_view(), name="api-root"),
    path("v1/studies/", views.Studies.as_view(), name="api-studies"),
    path("v1/studies/<slug:slug>/", views.StudyDetail.as_view(), name="api-study"),
    path("v1/studies/<slug:slug>/report/", views.Report.as_view(), name="api-report"),
    path("v1/studies/<slug:slug>/responses/", views.Responses.as_view(), name="api-responses"),
    path("v1/studies/<slug:slug>/participants/", views.Participants.as_view(), name="api-participants"),
    path("v1/studies/<slug:slug>/recruitment/", views.RecruitmentPlaces.as_view(), name="api-recruitment"),
    path("v1/studies/<slug:slug>/stimuli/", views.Stimuli.as_view(), name="api-stimuli"),
    path("v1/studies/<slug:slug>/jobs/", views.Jobs.as_view(), name="api-jobs"),
]
