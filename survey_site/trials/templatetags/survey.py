"""Template filters of the participants' pages."""

from django import template
from django.utils.safestring import SafeString, mark_safe

from survey_site.trials.texts import html

register = template.Library()


@register.filter
def markdown(text: str) -> SafeString:
    """Markdown as HTML, sanitised by `texts.html`."""
    return mark_safe(html(text))  # noqa: S308 — nh3 has cleaned it
