"""Conditions as a matrix: method keys down, classifiers across, a Table-1 column for each key. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from saliency_worker import catalog
from survey_site.design.presets import REFERENCE, PresetCondition

_PAPERS = tuple(key for key in catalog.BASES if key not in catalog.FAMILY_SET)
COMBINED: Mapping[str, str] = MappingProxyType(
    {base: f"Feature CAM on {catalog.label(base)}" for base in catalog.BASES}
)
"""The group of each base's combinations."""
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Bases", _PAPERS),
    *((title, keys) for title, keys in catalog.bases_by_family().items() if keys and keys != _PAPERS),
    *(
        (title, tuple(catalog.join_key(base, combination) for combination in catalog.COMBINATIONS))
        for base, title in COMBINED.items()
    ),
    ("Controls", catalog.CONTROLS),
)


NONE: Mapping[str, str] = MappingProxyType({})


class BadMatrix(ValueError):
    """The ticks make no valid set of conditions; the message says what to change."""


@dataclass(frozen=True)
class MatrixRow:
    """One method key as the page shows it: its column's name and the classifiers that are ticked."""

    key: str
    label: str
    column: str
    ticked: frozenset[str]


def default_column(key: str, uploaded: Mapping[str, str] = NONE) -> str:
    """The column a method counts in unless the researcher says otherwise: bases pool into “Grad-CAMs”."""
    if key in uploaded:
        return uploaded[key][:60]
    _, combination = catalog.split_key(key)
    if key in catalog.GRADIENT_BASES:
        return REFERENCE
    return catalog.label(key) if combination in catalog.OURS or not combination else catalog.full_label(key)


def split(key: str, uploaded: Mapping[str, str] = NONE) -> tuple[str, str]:
    """Base and method as a condition stores them; a control or an uploaded method has no base."""
    if key in uploaded:
        return "", key
    base, combination = catalog.split_key(key)
    return ("", base) if base in catalog.CONTROLS else (base, combination)


def bases_shown(present: Iterable[tuple[str, str, str]], asked: Iterable[str] = ()) -> tuple[str, ...]:
    """The bases whose nine combinations stand in the matrix: the paper's, those asked for, those with a combination ticked.

    All of them would be more than two thousand boxes.
    """
    ticked = {base for key, _, _ in present for base in COMBINED if key.startswith(f"{base}.")}
    wanted = {*catalog.GRADIENT_BASES, *asked, *ticked}
    return tuple(base for base in COMBINED if base in wanted)


def rows(
    present: Sequence[tuple[str, str, str]],
    uploaded: Mapping[str, str] = NONE,
    asked: Iterable[str] = (),
) -> list[tuple[str, list[MatrixRow]]]:
    """The matrix for (key, classifier, column) triples of a study, in groups.

    uploaded: key → label of the methods whose maps were made elsewhere; they are the last group. asked: bases whose
    combinations are wanted beside those of ``bases_shown``.
    """
    left_out = {COMBINED[base] for base in COMBINED.keys() - set(bases_shown(present, asked))}
    groups = [group for group in GROUPS if group[0] not in left_out]
    if uploaded:
        groups.append(("Maps made elsewhere", tuple(sorted(uploaded))))
    ticked: dict[str, set[str]] = {}
    columns: dict[str, str] = {}
    for key, classifier, column in present:
        ticked.setdefault(key, set()).add(classifier)
        columns[key] = column
    return [
        (
            title,
            [
                MatrixRow(
                    key,
                    uploaded.get(key) or catalog.full_label(key),
                    columns.get(key) or default_column(key, uploaded),
                    frozenset(ticked.get(key, ())),
                )
                for key in keys
            ],
        )
        for title, keys in groups
    ]


def conditions(
    ticks: Iterable[tuple[str, str]],
    columns: Mapping[str, str],
    reference: str = REFERENCE,
    uploaded: Mapping[str, str] = NONE,
) -> list[PresetCondition]:
    """The conditions of ticked (key, classifier) pairs, columns in the order of the catalogue.

    Raises BadMatrix when nothing is ticked, a column has no name, or the reference column is not there.
    """
    pairs = list(dict.fromkeys(ticks))
    if not pairs:
        raise BadMatrix("Tick at least one method under one classifier.")
    order: list[str] = []
    names: dict[str, str] = {}
    for key in ordered({key for key, _ in pairs}, uploaded):
        name = (columns.get(key) or default_column(key, uploaded)).strip()
        if not name or len(name) > 60:
            label = uploaded.get(key) or catalog.full_label(key)
            raise BadMatrix(f"The column of {label} needs a name of at most 60 characters.")
        names[key] = name
        if name not in order:
            order.append(name)
    if reference in order:
        order.insert(0, order.pop(order.index(reference)))
    return [
        PresetCondition(
            names[key], order.index(names[key]), classifier, *split(key, uploaded), names[key] == reference
        )
        for key in names
        for classifier in sorted(name for ticked, name in pairs if ticked == key)
    ]


def ordered(keys: Iterable[str], uploaded: Mapping[str, str] = NONE) -> Sequence[str]:
    """Known keys in the catalogue's order, uploaded ones after them; raises UnknownName for another."""
    chosen = set(keys)
    for key in chosen - set(uploaded):
        catalog.split_key(key)
    order = [*(key for _, group in GROUPS for key in group), *sorted(uploaded)]
    return sorted(chosen, key=order.index)
