"""Mails links to choose a password to who forgot theirs: from the queue, so that no answer's time tells who is known."""

from collections.abc import Iterable
from datetime import timedelta

from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.utils import timezone

from survey_site.accounts import password_links
from survey_site.notifications import mail
from survey_site.studies import audit
from survey_site.studies.models import AuditEntry

ASKED = "password link mailed"
PAUSE = timedelta(minutes=10)  # between two mails to the same person, whoever asks for them


def mail_links(address: str) -> int:
    """To each active researcher of this address who got none just now; how many. Raises Permanent or Transient."""
    sent = 0
    for user in _researchers(address):
        context = {"user": user, "link": password_links.address_of(user), "days": password_links.DAYS}
        subject, body = (
            render_to_string(f"accounts/password_mail{part}.txt", context) for part in ("_subject", "")
        )
        mail.post(user.email, subject, body)
        audit.record_of(user.pk, None, ASKED, user.get_username())
        sent += 1
    return sent


def _researchers(address: str) -> Iterable[User]:
    since = timezone.now() - PAUSE
    mailed = AuditEntry.objects.filter(verb=ASKED, study=None, at__gt=since).values("user")
    staff = User.objects.filter(is_staff=True, is_active=True, email__iexact=address)
    return staff.exclude(pk__in=mailed.exclude(user=None)).order_by("pk")
