"""Two researchers who have the same page open."""

import html
from typing import Any

from django.test import Client
from django.urls import reverse

from survey_site.studies.models import Study
from tests.desk.test_audit_log import fields

Sent = dict[str, Any]


def of(study: Study, page: str = "") -> str:
    return (
        reverse(f"admin:study_{page}", args=[study.pk])
        if page
        else f"/admin/studies/study/{study.pk}/change/"
    )


def opened(client: Client, address: str) -> Sent:
    """What a browser would send of the page as it is now."""
    page = client.get(address)
    if "adminform" in page.context:
        return fields(page)
    form = page.context["form"]
    pairs = [(form[name].html_name, form[name].value()) for name in form.fields]
    return {name: value for name, value in pairs if value is not None}


def text_of(response: Any) -> str:
    return html.unescape(response.content.decode())


def refused(response: Any, theirs: str, mine: str) -> str:
    """The page that says no, and shows both values."""
    assert response.status_code != 302
    page = text_of(response)
    assert f"Now stored: {theirs}. Yours: {mine}." in page
    assert "Nothing was saved" in page
    return page


def saved_after(client: Client, address: str, name: str, theirs: Any, mine: Any) -> Any:
    """Two editors open the page; the first saves `theirs` in a field, the second sends `mine`."""
    first, second = opened(client, address), opened(client, address)
    assert client.post(address, first | {name: theirs}).status_code == 302
    return client.post(address, second | {name: mine})
