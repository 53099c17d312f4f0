"""The languages of the participants' pages: each module of `default_texts` is one, and nothing else lists them.

To add one: `default_texts/<code>.py` with `NAME` (the language's own name) and `TEXTS`, and its catalogue in
`survey_site/locale`. `pt_br.py` is the language `pt-br`, whose catalogue Django looks for in `locale/pt_BR`. Modules
that begin with `_` are none. Read by the settings: no Django here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

from survey_site.studies import default_texts

DEFAULT = "en"


@dataclass(frozen=True, slots=True)
class Language:
    """A language: its code, its own name, and the default texts by key."""

    code: str
    name: str
    texts: Mapping[str, str]


def _found() -> list[Language]:
    modules = [
        (module.name, import_module(f"{default_texts.__name__}.{module.name}"))
        for module in iter_modules(default_texts.__path__)
        if not module.name.startswith("_")
    ]
    found = [Language(name.replace("_", "-"), module.NAME, module.TEXTS) for name, module in modules]
    return sorted(found, key=lambda language: (language.code != DEFAULT, language.name))


LANGUAGES: dict[str, Language] = {language.code: language for language in _found()}
