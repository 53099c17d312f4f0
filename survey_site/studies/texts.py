"""The texts participants read: the study's own where written, else the defaults of the language, else English."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

import nh3
from markdown_it import MarkdownIt

from survey_site.studies import demographics
from survey_site.studies.languages import DEFAULT, LANGUAGES
from survey_site.studies.models import Study

DEFAULTS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {language.code: language.texts for language in LANGUAGES.values()}
)
KEYS = tuple(DEFAULTS[DEFAULT])

_MARKDOWN = MarkdownIt("commonmark", {"html": False, "typographer": True}).enable(["table", "strikethrough"])
_TAGS = {
    "p", "br", "strong", "em", "s", "ul", "ol", "li", "a", "h2", "h3", "h4", "blockquote", "code", "hr",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href"}}
_SCHEMES = {"https", "http", "mailto"}


def texts_of(study: Study) -> dict[str, dict[str, str]]:
    """Every text in every language as it stands now, by language and key: what a protocol seals."""
    own = own_texts(study)
    return {language: dict(merged(own, language)) for language in sorted({*DEFAULTS, *own})}


def own_texts(study: Study) -> dict[str, dict[str, str]]:
    """The texts that the researcher wrote, by language and key."""
    own: dict[str, dict[str, str]] = {}
    for text in study.texts.order_by("language", "key"):
        own.setdefault(text.language, {})[text.key] = text.markdown
    return own


def problems(study: Study) -> list[str]:
    """What keeps the study's own texts from being shown as meant, one line each."""
    found = []
    for text in study.texts.order_by("language", "key"):
        if text.key not in KEYS:
            found.append(
                f"The text “{text.key}” ({text.language}) is shown nowhere; keys are {', '.join(KEYS)}."
            )
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
    return {**DEFAULTS[DEFAULT], **DEFAULTS.get(language, {}), **own.get(language, {})}


@lru_cache(maxsize=256)
def html(markdown: str) -> str:
    """Markdown as safe HTML: no scripts, no pictures, no attributes but a link's address."""
    return nh3.clean(_MARKDOWN.render(markdown), tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES)
