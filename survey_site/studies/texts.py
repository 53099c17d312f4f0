"""The texts participants read: the study's own where written, else the defaults of the language, else English."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

import nh3
from markdown_it import MarkdownIt

from survey_site.studies import demographics, facts
from survey_site.studies.languages import DEFAULT, LANGUAGES
from survey_site.studies.models import Study
from survey_site.tasks import registry
from survey_site.tasks.contract import Task

_MARKDOWN = MarkdownIt("commonmark", {"html": False, "typographer": True}).enable(["table", "strikethrough"])
_TAGS = {
    "p", "br", "strong", "em", "s", "ul", "ol", "li", "a", "h2", "h3", "h4", "blockquote", "code", "hr",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href"}}
_SCHEMES = {"https", "http", "mailto"}


def defaults() -> Mapping[str, Mapping[str, str]]:
    """The default texts by language and key: those of every study, and those of the installed tasks."""
    return _defaults(registry.installed())


@lru_cache(maxsize=4)
def _defaults(tasks: tuple[Task, ...]) -> Mapping[str, Mapping[str, str]]:
    return MappingProxyType(
        {
            language.code: {**language.texts, **_of_tasks(tasks, language.code)}
            for language in LANGUAGES.values()
        }
    )


def _of_tasks(tasks: tuple[Task, ...], language: str) -> dict[str, str]:
    """The tasks' texts in a language, in English where a task does not speak it."""
    return {
        key: text
        for task in tasks
        for key, text in {**task.texts[DEFAULT], **task.texts.get(language, {})}.items()
    }


def keys() -> tuple[str, ...]:
    """Every text that a study can have of its own."""
    return tuple(defaults()[DEFAULT])


def texts_of(study: Study) -> dict[str, dict[str, str]]:
    """Every text in every language as it stands now, by language and key, the study's facts written out."""
    own, known = own_texts(study), facts.facts_of(study)
    under = [task.texts_under(study.settings_of(task)) for task in registry.known(study.task_settings)]

    def said(language: str) -> dict[str, str]:
        fitting = {key: text for texts in under for key, text in texts.get(language, {}).items()}
        return {**merged({}, language), **fitting, **own.get(language, {})}

    return {
        language: {key: facts.filled(text, known, language) for key, text in said(language).items()}
        for language in sorted({*defaults(), *own})
    }


def own_texts(study: Study) -> dict[str, dict[str, str]]:
    """The texts that the researcher wrote, by language and key."""
    own: dict[str, dict[str, str]] = {}
    for text in sorted(study.texts.all(), key=lambda text: (text.language, text.key)):
        own.setdefault(text.language, {})[text.key] = text.markdown
    return own


def problems(study: Study) -> list[str]:
    """What keeps the study's own texts from being shown as meant, one line each."""
    found = []
    known = facts.facts_of(study)
    for text in sorted(study.texts.all(), key=lambda text: (text.language, text.key)):
        if text.key not in keys():
            found.append(
                f"The text “{text.key}” ({text.language}) is shown nowhere; keys are {', '.join(keys())}."
            )
        if text.language not in LANGUAGES:
            found.append(
                f"The text “{text.key}” ({text.language}) is shown nowhere; languages are {', '.join(LANGUAGES)}."
            )
        lacking = facts.named_in(text.markdown) - known.keys()
        if lacking and text.key != "consent":  # of a consent studies/consent.py says more
            found += [
                f"The text “{text.key}” ({text.language}) names {{{name}}}, which is not filled in."
                for name in sorted(lacking)
            ]
        if text.key == "demographics":
            found += [
                f"Demographics ({text.language}): {problem}"
                for problem in demographics.problems(text.markdown)
            ]
    return found


def version(markdown: str) -> str:
    """Names a text by its content: which consent somebody agreed to."""
    return hashlib.sha256(markdown.encode()).hexdigest()[:16]


def merged(own: Mapping[str, Mapping[str, str]], language: str) -> Mapping[str, str]:
    """One language's texts: the study's, over the defaults, over English."""
    return {**defaults()[DEFAULT], **defaults().get(language, {}), **own.get(language, {})}


@lru_cache(maxsize=256)
def html(markdown: str) -> str:
    """Markdown as safe HTML: no scripts, no pictures, no attributes but a link's address."""
    return nh3.clean(_MARKDOWN.render(markdown), tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES)
