"""Addresses of the API and of its documentation."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from survey_site.api.views import answers, images, studies
from survey_site.api.views.documentation import Documentation

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", Documentation.as_view(url_name="schema"), name="api-docs"),
    path("v1/", studies.Root.as_view(), name="api-root"),
    path("v1/studies/", studies.Studies.as_view(), name="api-studies"),
    path("v1/studies/<slug:slug>/", studies.StudyDetail.as_view(), name="api-study"),
    path("v1/studies/<slug:slug>/report/", studies.Report.as_view(), name="api-report"),
    path("v1/studies/<slug:slug>/responses/", answers.Responses.as_view(), name="api-responses"),
    path("v1/studies/<slug:slug>/participants/", answers.Participants.as_view(), name="api-participants"),
    path("v1/studies/<slug:slug>/recruitment/", studies.RecruitmentPlaces.as_view(), name="api-recruitment"),
    path("v1/studies/<slug:slug>/stimuli/", images.Stimuli.as_view(), name="api-stimuli"),
    path("v1/studies/<slug:slug>/regions/", images.Regions.as_view(), name="api-regions"),
    path("v1/studies/<slug:slug>/jobs/", images.Jobs.as_view(), name="api-jobs"),
]
