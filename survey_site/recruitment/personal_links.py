"""Links for one person each, for a list of identifiers that the researcher has: signed, so that nobody makes one up.

Nothing of the list is stored. The link shows who comes, so it leads back into the study from any browser.
"""

import hmac
import re
from collections.abc import Iterable
from urllib.parse import urlencode

from survey_site.recruitment.marks import mark_of

FORM = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,59}")
MOST = 20_000


class BadList(ValueError):
    """The list cannot be used; the message names the line."""


def key_of(study: int, person: str) -> str:
    """The signature of a person's link into a study (row id)."""
    return mark_of(f"personal link {study}", person)[:32]


def is_signed(study: int, person: str, key: str) -> bool:
    """Whether `key_of` made the key for this person of this study."""
    return hmac.compare_digest(key_of(study, person).encode(), key.encode())


def read_list(text: str) -> list[str]:
    """The identifiers of a list, one a line, each once. Raises BadList."""
    found: dict[str, None] = {}
    for number, line in enumerate(text.splitlines(), 1):
        person = line.strip().strip('\ufeff,;"')
        if not person:
            continue
        if not FORM.fullmatch(person):
            raise BadList(
                f"Line {number} (“{person[:60]}”) is no identifier: letters, digits, “.”, “_” and “-”, at most 60. "
                "Give codes instead of names or e-mail addresses."
            )
        found[person] = None
        if len(found) > MOST:
            raise BadList(f"The list has more than {MOST} identifiers; make the links in several turns.")
    if not found:
        raise BadList("Write one identifier a line.")
    return list(found)


def links(study: int, start: str, people: Iterable[str]) -> list[tuple[str, str]]:
    """(identifier, link) of each; `start` is the address of the study's start page."""
    return [
        (person, f"{start}?{urlencode({'person': person, 'key': key_of(study, person)})}")
        for person in people
    ]
