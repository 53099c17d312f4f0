"""The page of a study's texts: the facts of its consent, its languages, and every text with its default, rendered beside."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from survey_site.desk.shell import page
from survey_site.desk.text_forms import FACTS, FactsForm, TextsForm
from survey_site.studies import audit, changes, consent, demographics, facts, texts
from survey_site.studies.editing import editing
from survey_site.studies.languages import DEFAULT, LANGUAGES
from survey_site.studies.models import Study
from survey_site.studies.texts import keys


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, study: Study) -> HttpResponse:
    """GET shows the texts of one language; a POST saves the facts, the languages and that language's texts, or nothing."""
    language = str(request.GET.get("language") or _first(study))
    if language not in LANGUAGES:
        raise Http404
    if request.method == "POST" and study.is_editable:
        key = str(request.POST.get("default", ""))
        return _take_default(request, study, key, language) if key else _save(request, study, language)
    if request.method == "POST":
        messages.error(
            request, _("The study is sealed: amend it, or make a new version to change its texts.")
        )
    return _page(request, study, language, FactsForm(study), TextsForm(study, language))


def _save(request: HttpRequest, study: Study, language: str) -> HttpResponse:
    """What was sent of the facts and of the texts, all of it or nothing; a program may send one of them alone."""
    facts_sent = any(name.startswith(f"{FACTS}-") for name in request.POST)
    texts_sent = any(key in request.POST for key in keys())
    with editing(study) as study:
        own = Study.objects.get(pk=study.pk)  # a form writes into its instance, valid or not
        facts_form = FactsForm(own, request.POST if facts_sent else None)
        texts_form = TextsForm(study, language, request.POST if texts_sent else None)
        forms = [form for form, sent in ((facts_form, facts_sent), (texts_form, texts_sent)) if sent]
        valid = [form.is_valid() for form in forms]  # each says what is wrong with it
        if all(valid):
            before = _told(study)
            if [name for form in forms for name in form.save_changes()]:
                phrases = changes.told(before, _told(Study.objects.get(pk=study.pk)))
                audit.record_changes(request, study, "texts saved", phrases)
            messages.success(request, _("Saved."))
            return _again(study, language)
    response = _page(request, study, language, facts_form, texts_form)
    response.status_code = 422
    return response


def _take_default(request: HttpRequest, study: Study, key: str, language: str) -> HttpResponse:
    with editing(study) as study:
        before = _told(study)
        gone, _rows = study.texts.filter(key=key, language=language).delete()
        if gone:
            phrases = changes.told(before, _told(study))
            audit.record_changes(request, study, "default text taken", phrases)
    messages.success(request, _("The default stands again."))
    return _again(study, language)


def _told(study: Study) -> dict[str, Any]:
    """Facts, languages and own texts, to be compared for the audit log; a default is what a text is when it is not named."""
    written = {
        f"{key} ({language})": text
        for language, own in texts.own_texts(study).items()
        for key, text in own.items()
    }
    return changes.of_study(study) | written


def _again(study: Study, language: str) -> HttpResponse:
    return redirect(f"{reverse('admin:study_texts', args=[study.pk])}?language={language}")


@require_POST
def shown(request: HttpRequest, study: Study) -> HttpResponse:
    """The fragment beside an editor: the text of one key as participants would read it. Nothing is stored."""
    key, language = str(request.POST.get("shown", "")), str(request.POST.get("language", ""))
    if key not in keys() or language not in LANGUAGES:
        raise Http404
    written = str(request.POST.get(key, ""))
    return render(request, "desk/text_shown.html", as_read(study, language, key, written))


def as_read(study: Study, language: str, key: str, written: str) -> dict[str, Any]:
    """A text as participants read it: its HTML with the facts written out, or the questions that its lines ask."""
    found: dict[str, Any] = {
        "language": language,
        "direction": "rtl" if language.partition("-")[0] in settings.LANGUAGES_BIDI else "ltr",
    }
    if key == "demographics":
        problems = demographics.problems(written)
        return found | {"questions": demographics.questions(written), "problems": problems}
    filled = facts.filled(written, facts.facts_of(study), language)
    return found | {"html": texts.html(filled)}


def _first(study: Study) -> str:
    wanted = consent.wished(study)
    return DEFAULT if DEFAULT in wanted or not wanted else wanted[0]


def _page(
    request: HttpRequest, study: Study, language: str, facts_form: FactsForm, texts_form: TextsForm
) -> HttpResponse:
    offers = {offer.code: offer for offer in consent.offers(study)}
    own = texts.own_texts(study)
    editors = [
        {
            "field": field,
            "key": field.name,
            "own": field.name in own.get(language, {}),
            "shown": as_read(study, language, field.name, str(field.value() or "")),
        }
        for field in texts_form.editors()
    ]
    return page(
        request,
        "desk/texts.html",
        study,
        _("Texts"),
        facts_form=facts_form,
        texts_form=texts_form,
        editors=editors,
        language=language,
        languages=[
            {"code": code, "name": one.name, "offer": offers.get(code), "own": len(own.get(code, {}))}
            for code, one in LANGUAGES.items()
        ],
        problems=consent.problems(study) + texts.problems(study) if study.is_editable else [],
        notices=consent.notices(study),
        fact_names=[(name, label) for name, label in facts.LABELS.items()],
    )
