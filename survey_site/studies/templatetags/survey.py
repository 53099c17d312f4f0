"""Template filters and tags of the participants' pages."""

from functools import lru_cache

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

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


class Fixed(template.Node):
    """What stands between the tags as it was rendered first in a language: nothing of it depends on the page."""

    def __init__(self, content: template.NodeList) -> None:
        self._content = content
        self._rendered: dict[str, SafeString] = {}

    def render(self, context: template.Context) -> SafeString:
        language = get_language() or ""
        if language not in self._rendered:
            self._rendered[language] = self._content.render(context.new())
        return self._rendered[language]


@register.tag
def fixed(parser: template.base.Parser, token: template.base.Token) -> Fixed:
    """Renders `{% fixed %} … {% endfixed %}` once in each language; the variables of the page are not there."""
    content = parser.parse(("endfixed",))
    parser.delete_first_token()
    return Fixed(content)
