"""The participants' link, to give out: as text, to copy, and as a QR code."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from survey_site.accounts.pages import qr
from survey_site.studies.models import Study


@dataclass(frozen=True, slots=True)
class Invitation:
    """The whole address, and its QR code as SVG."""

    address: str
    qr: str


def of(request: HttpRequest, study: Study) -> Invitation:
    """The link under the name by which the researcher reached the site."""
    address = request.build_absolute_uri(reverse("study_start", args=[study.slug]))
    return Invitation(address, qr(address))
