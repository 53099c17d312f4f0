"""Addresses of the participants' pages and of health."""

from django.urls import path

from survey_site.trials.views import health, home, leave, participant, pictures, start

urlpatterns = [
    path("", home.home, name="home"),
    path("s/<slug:slug>/", start.start, name="study_start"),
    path("s/<slug:slug>/privacy/", leave.privacy, name="privacy"),
    path("p/<slug:token>/", participant.resume, name="resume"),
    path("p/<slug:token>/upcoming/", participant.upcoming, name="upcoming"),
    path("p/<slug:token>/stop/", leave.stop, name="stop"),
    path("w/<slug:receipt>/", leave.leave, name="withdraw"),
    path("i/<str:token>", pictures.image, name="image"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
