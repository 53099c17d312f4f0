"""What every section of a study's description is made of: mappings and lists of texts."""

from typing import Any

from survey_site.protocols.study_file.layout import kind_of

Found = tuple[Any, list[str]]  # what a section says, and what is wrong with it


def mapping(path: str, value: Any) -> Found:
    """The value as a mapping; nothing where it is left out."""
    if value is None:
        return {}, []
    if not isinstance(value, dict):
        return {}, [f"{path}: it is {kind_of(value)} and must be keys with values"]
    return value, []


def listed(path: str, value: Any) -> Found:
    """The value as a list of texts; nothing where it is left out."""
    if value is None:
        return [], []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        return [], [f"{path}: it must be a list of names, such as [one, two]"]
    return value, []
