"""Every language of the interface is complete, and Arabic runs from right to left."""

import json
import re
from gettext import GNUTranslations
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation
from django.utils.translation import to_locale

from survey_site.studies import default_texts, languages
from survey_site.studies.texts import defaults, html, keys
from tests import factories
from tests.trials.player import begin, play, until_trial

FOLDER = Path(settings.BASE_DIR) / "survey_site"
PLACES = (
    "trials/templates/*.html", "trials/templates/trials/*.html", "trials/views/*.py", "trials/step_content.py",
    "tasks/*/templates/tasks/*/*.html", "tasks/*/forms.py", "studies/facts.py",
)  # fmt: skip
SOURCES = [path for place in PLACES for path in FOLDER.glob(place)]
OTHERS = [code for code in languages.LANGUAGES if code != languages.DEFAULT]
SAME = {"Photo %(number)s", "Contact", "Documentation"}


def messages() -> set[str]:
    """Every translatable text of the participants' pages."""
    found: set[str] = set()
    for source in SOURCES:
        text = source.read_text("utf-8")
        found |= set(re.findall(r"""{% translate (?:"|')(.+?)(?:"|') %}""", text))
        found |= {
            re.sub(r"{{ (\w+) }}", r"%(\1)s", " ".join(body.split()))
            for body in re.findall(r"{% blocktranslate .*?%}(.*?){% endblocktranslate %}", text, re.DOTALL)
        }
        found |= set(re.findall(r"""\b_\(\s*"(.+?)"\s*\)""", text))
    return found


@pytest.mark.parametrize("language", OTHERS)
def test_every_message_is_translated(language: str) -> None:
    assert len(messages()) > 60
    with translation.override(language):
        assert not [text for text in messages() - SAME if translation.gettext(text) == text]


@pytest.mark.parametrize("language", OTHERS)
def test_the_compiled_catalogue_is_that_of_the_source(language: str) -> None:
    """No message fuzzy, empty or forgotten by msgfmt: the .mo is what the site reads."""
    folder = FOLDER / "locale" / to_locale(language) / "LC_MESSAGES"
    source = (folder / "django.po").read_text("utf-8")
    entries = re.findall(r'^msgid ((?:".*"\s)+)msgstr ((?:".*"\s?)+)', source, re.MULTILINE)
    written = {_joined(msgid): _joined(msgstr) for msgid, msgstr in entries}
    assert len(written) == source.count("msgid ") and "#, fuzzy" not in source
    assert not [msgid for msgid, msgstr in written.items() if not msgstr]
    with (folder / "django.mo").open("rb") as file:
        compiled = GNUTranslations(file)
    assert not [msgid for msgid, msgstr in written.items() if msgid and compiled.gettext(msgid) != msgstr]


def _joined(lines: str) -> str:
    """The text of a message written over one or more quoted lines."""
    return "".join(json.loads(line) for line in lines.split("\n") if line.strip())


@pytest.mark.parametrize("language", OTHERS)
def test_every_default_text_is_translated(language: str) -> None:
    english, translated = defaults()["en"], defaults()[language]
    assert set(translated) == set(keys())
    assert not [key for key in keys() if english[key] and translated[key] == english[key]]


def test_markdown_is_sanitised() -> None:
    shown = html(
        '**bold** <script>alert(1)</script> [x](javascript:alert(1)) ![y](https://z/p.png) <b onclick="a">c</b>'
    )
    assert "<strong>bold</strong>" in shown
    assert not re.search(r"<script|href=.javascript|<img|<b ", shown)


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_a_participant_keeps_the_language_chosen_at_the_start(client: Client) -> None:
    factories.live()
    address = begin(client, "test", "?lang=ar")
    until_trial(client, address)
    page = client.get(address, headers={"Accept-Language": "fr"}).content.decode()
    assert '<html lang="ar" dir="rtl">' in page
    assert "من أي صورة" in page
    play(client, address)


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_only_offered_languages_are_used(client: Client) -> None:
    factories.live(languages=["fr"])
    page = client.get("/s/test/?lang=ar", headers={"Accept-Language": "en"}).content.decode()
    assert '<html lang="fr" dir="ltr">' in page
    assert "العربية" not in page


def test_a_language_is_found_by_its_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "eo_xx.py").write_text('NAME = "Esperanto"\nTEXTS = {"welcome": "Bonvenon"}\n', "utf-8")
    monkeypatch.setattr(default_texts, "__path__", [*default_texts.__path__, str(tmp_path)])
    found = {language.code: language for language in languages._found()}
    assert (found["eo-xx"].name, found["eo-xx"].texts["welcome"]) == ("Esperanto", "Bonvenon")
    assert set(found) == {*languages.LANGUAGES, "eo-xx"}
    assert next(iter(found)) == languages.DEFAULT
