"""A link by which somebody sets their own password: signed, for three days, and for one use.

Django's tokens hold the password's hash, the address and the last sign-in: any of them changing ends the link. Nothing
is stored, so that there is nothing to steal; whoever has the link is who may set the password.
"""

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

MAIL = "notifications.mail_password_links"  # the task that mails links; of a room above, called by its name
DAYS = settings.PASSWORD_RESET_TIMEOUT // 86_400


def address_of(user: User) -> str:
    """The whole address, under the site's own name: that of the request is the sender's to choose."""
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    return settings.SITE_URL + reverse("password_link", args=[uid, token])
