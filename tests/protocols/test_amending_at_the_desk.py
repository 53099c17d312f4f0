"""Amendments by the page and by the command: the difference is shown before it is made."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from survey_site.protocols import life
from survey_site.protocols.models import Protocol
from survey_site.studies.models import AuditEntry
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def test_the_page_shows_the_difference_before_it_is_made(admin_client: Client) -> None:
    study = factories.live()
    address = f"/admin/studies/study/{study.pk}/amend/"
    shown = admin_client.get(address)
    form = shown.context["form"]
    fields = {name: form[name].value() or "" for name in form.fields}
    fields |= {"text-en-consent": "Mended.", "reason": "a typo"}
    asked = admin_client.post(address, {**fields, "verb": "show"}).content.decode()
    assert "This is an amendment" in asked
    assert "<code>texts.en.consent</code>" in asked
    assert Protocol.objects.count() == 1
    done = admin_client.post(address, {**fields, "verb": "amend"})
    assert done.status_code == 302
    entry = AuditEntry.objects.get(verb="state: amend")
    assert (entry.detail, str(entry.user)) == ("a typo", "admin")
    page = admin_client.get(f"/admin/studies/study/{study.pk}/live/").content.decode()
    assert "Amendment: its answers stand together with those of version 1" in page
    stale = admin_client.post(address, {**fields, "title": "Late", "verb": "amend"})
    assert stale.status_code == 422
    assert Protocol.objects.count() == 2


def test_the_page_before_going_live_says_which_of_the_two_a_change_is(admin_client: Client) -> None:
    study = factories.live()
    address = f"/admin/studies/study/{study.pk}/live/"
    life.step(study, "version")
    assert "Nothing has changed" in admin_client.get(address).content.decode()
    study.texts.create(key="consent", language="en", markdown="Mended.")
    page = admin_client.get(address).content.decode()
    assert "This is an amendment" in page
    assert 'name="reason"' in page
    study.texts.create(key="welcome", language="en", markdown="Hello.")
    page = admin_client.get(address).content.decode()
    assert "This is a new version" in page
    assert "<b>measurement</b>" in page


def test_the_command_amends_or_says_in_one_line_why_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    factories.live()
    text = tmp_path / "consent.md"
    text.write_text("Mended.")
    call_command("amend", "test", reason="a typo", text=[f"en:consent={text}"], target=30)
    assert "version 2 sealed" in capsys.readouterr().out
    assert Protocol.objects.get(version=2).content["design"]["target_participants"] == 30
    for bad in (
        {"text": ["nonsense"]},
        {"text": ["en:consent=/nowhere"]},
        {"closes_on": "soon"},
        {"target": 0},
    ):
        with pytest.raises(CommandError) as refused:
            call_command("amend", "test", reason="why", **bad)
        assert "\n" not in str(refused.value)
    assert Protocol.objects.count() == 2
