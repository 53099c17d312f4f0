"""Template filters and tags of the participants' pages."""

from functools import lru_cache

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from survey_site.studies.texts import html

register = template.Library()


@register.filter
def markdown(text: str) -> SafeString:
    """Markdown as HTML, sanitised by `texts.html`."""
    return mark_safe(html(text))  # noqa: S308 — nh3 has cleaned it


@register.simple_tag
@lru_cache
def script(name: str) -> SafeString:
    """A script of the site that runs once the page is there; its hashed address is looked up once."""
    return format_html('<script src="{}" defer></script>', static(f"trials/{name}.js"))
