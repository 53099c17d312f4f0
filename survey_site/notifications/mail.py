"""Sends a notification as plain-text mail, and sorts what a mail server may answer."""

import smtplib
from collections.abc import Iterable, Iterator

from django.conf import settings
from django.core.mail import EmailMessage

from survey_site.notifications.channel import Addressee, Channel
from survey_site.notifications.errors import Permanent, Transient
from survey_site.notifications.models import Delivery
from survey_site.studies.access import may
from survey_site.studies.models import Study

NO_SERVER = "This site has no mail server; an administrator can name one in the setting EMAIL_URL."
NO_ADDRESS = "The account has no e-mail address; an administrator can enter it under Researchers."
FOOTER = (
    "You get this mail because you asked for it on the study's page “Notifications”; there you can stop it."
)


def addressees(study: Study, users: Iterable[int]) -> Iterator[Addressee]:
    """Each user who wants mail."""
    return (Addressee(f"mail:{user}", user) for user in users)


def send(delivery: Delivery) -> None:
    """Mails the notification to its user, if they still see the study."""
    row, user = delivery.notification, delivery.user
    if user is None or not may(user, "view", row.study_id):
        raise Permanent("The study is not shared with this person any more.")
    post(user.email, row.subject, f"{row.body}\n\n{settings.SITE_URL}{row.link}\n\n{FOOTER}")


def problem(address: str) -> str:
    """Why no mail can be sent there, in words; empty if it can be tried."""
    if not settings.MAIL_IS_SENT:
        return NO_SERVER
    return "" if address else NO_ADDRESS


def post(to: str, subject: str, body: str) -> None:
    """Returns when the mail server has taken the mail; else Permanent or Transient with the reason."""
    if why_not := problem(to):
        raise Permanent(why_not)
    try:
        EmailMessage(
            " ".join(subject.split()), body, to=[to], headers={"Auto-Submitted": "auto-generated"}
        ).send()
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        raise _sorted(max(codes, default=500), "refused the recipient") from error
    except smtplib.SMTPResponseException as error:
        raise _sorted(error.smtp_code, "refused the mail") from error
    except (OSError, smtplib.SMTPException) as error:
        raise Transient(f"The mail server could not be reached ({type(error).__name__}).") from error
    except ValueError as error:  # an address that is none
        raise Permanent(f"The address {to} cannot be written to: {error}") from error


def _sorted(code: int, what: str) -> Exception:
    message = f"The mail server {what} (code {code})."
    return Permanent(message) if 500 <= code < 600 else Transient(message)


CHANNEL = Channel("mail", addressees, send)
