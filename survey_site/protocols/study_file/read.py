"""Makes a study of a description: everything is checked before anything is stored, and all of it is stored or nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction
from django.db.models import QuerySet

from survey_site.design.presets import PresetCondition
from survey_site.protocols.study_file import checks, layout, plain_yaml, wanted_images
from survey_site.protocols.study_file.layout import BadStudyFile
from survey_site.protocols.study_file.wanted_images import WantedImage
from survey_site.stimuli.archives import Upload
from survey_site.stimuli.intake import ImagesRefused, add_images, unique_key
from survey_site.stimuli.models import Stimulus
from survey_site.studies.models import Condition, Study, StudyText
from survey_site.tasks import registry

NAMED = 5  # so many images are named in a refusal
COPIED = ("sha256", "upload_sha256", "path", "width", "height")


@dataclass(frozen=True, slots=True)
class Described:
    """A checked description: rows that are not stored yet. texts: by language and key."""

    study: Study
    conditions: Sequence[PresetCondition] = ()
    texts: Mapping[tuple[str, str], str] = field(default_factory=dict)
    images: Sequence[WantedImage] = ()


def read_file(data: bytes, *, slug: str = "", title: str = "") -> Described:
    """The study that a file describes. slug, title: in place of those in the file. Raises BadStudyFile."""
    try:
        return checked(plain_yaml.read(data), slug=slug, title=title)
    except plain_yaml.BadYaml as error:
        raise BadStudyFile([str(error)]) from None


def checked(data: Any, *, slug: str = "", title: str = "") -> Described:
    """The same of plain data, as `write.description_of` gives it."""
    if not isinstance(data, dict) or layout.MARK not in data:
        raise BadStudyFile(
            [f"this describes no study; a description begins with {layout.MARK}: {layout.VERSION}"]
        )
    version = data[layout.MARK]
    if version != layout.VERSION or isinstance(version, bool):
        raise BadStudyFile(
            [
                f"{layout.MARK}: the file is of version {str(version)[:20]}; this program reads version {layout.VERSION}"
            ]
        )
    problems = layout.unknown_keys("", data, layout.SECTIONS)
    values, wrong = checks.fields_of(data)
    problems += wrong
    values |= {name: value for name, value in (("slug", slug), ("title", title)) if value}
    for name in ("title", "slug"):
        if name not in values and not any(line.startswith(f"study.{name}:") for line in problems):
            problems.append(f"study.{name}: it is missing; every study has one")
    values["task_settings"], wrong = checks.tasks(data.get("tasks"))
    problems += wrong
    values["languages"], wrong = checks.languages(data.get("languages"))
    problems += wrong
    values["exclusion_rules"], wrong = checks.rules(data.get("exclusion_rules"))
    problems += wrong
    target = values.get("target_participants", Study._meta.get_field("target_participants").get_default())
    values["analysis_plan"], wrong = checks.plan(data.get("analysis_plan"), target)
    problems += wrong
    conditions, wrong = checks.conditions(*(data.get(k) for k in ("columns", "own_models", "made_elsewhere")))
    problems += wrong
    texts, wrong = checks.written_texts(data.get("texts"))
    problems += wrong
    images, wrong = wanted_images.images(data.get("images"))
    study = Study(**values)
    problems += wrong + _limits(study, {line.partition(":")[0] for line in problems})
    if problems:
        raise BadStudyFile(problems)
    return Described(study, conditions, texts, images)


def _limits(study: Study, told: set[str]) -> list[str]:
    """What the model refuses of values that are of the right kind."""
    if "study.slug" not in told and Study.objects.filter(slug=study.slug).exists():
        return [f"study.slug: there is a study of the short name {study.slug!r}; give this one another"]
    try:
        study.full_clean(exclude=["owner"])
    except ValidationError as error:
        lines = [(layout.path_of(name), " ".join(why)) for name, why in error.message_dict.items()]
        return [
            f"{path.replace(NON_FIELD_ERRORS, 'study')}: {why}" for path, why in lines if path not in told
        ]
    return []


def make(
    described: Described,
    owner: User | None,
    *,
    uploads: Sequence[Upload] = (),
    visible: QuerySet[Study] | None = None,
    without_images: bool = False,
    within_s: float = float("inf"),
) -> Study:
    """Stores the study as a draft. Its images come from the uploads, else from studies that whoever makes it sees.

    without_images: leaves them out, and the groups of images that tasks were given. Raises BadStudyFile and
    ImagesRefused, and then nothing is stored.
    """
    study = described.study
    study.owner = owner
    if without_images:
        study.task_settings = without_groups(study.task_settings)
    with transaction.atomic():
        study.save()
        for c in described.conditions:
            values = {name: getattr(c, name) for name in PresetCondition.__slots__}
            Condition.objects.create(study=study, **values)
        StudyText.objects.bulk_create(
            StudyText(study=study, language=language, key=key, markdown=text)
            for (language, key), text in described.texts.items()
        )
        if not without_images:
            _take_images(study, described.images, uploads, visible, within_s)
    return study


def without_groups(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The settings of tasks with no image named in them."""
    found = {name: dict(values) for name, values in settings.items()}
    for name, values in found.items():
        task = registry.named(name)
        for setting in task.settings if task else ():
            if setting.kind == "groups":
                values[setting.name] = []
    return found


def _take_images(
    study: Study,
    wanted: Sequence[WantedImage],
    uploads: Sequence[Upload],
    visible: QuerySet[Study] | None,
    within_s: float,
) -> None:
    intake = add_images(study, uploads, within_s=within_s, twins="keep") if uploads else None
    given = _Given(intake.by_file if intake else {})
    chosen = {image.name: given.of(image) for image in wanted}
    used = [row.pk for row in chosen.values() if row]
    if len(set(used)) < len(used):
        names = [name for name, row in chosen.items() if row and used.count(row.pk) > 1]
        raise BadStudyFile(
            [f"images: {', '.join(names[:NAMED])} would be the same picture; give each its own"]
        )
    if extra := sorted(name for name, row in given.by_file.items() if row.pk not in used):
        raise BadStudyFile(
            [
                f"images: the file does not name {', '.join(extra[:NAMED])}{' …' * (len(extra) > NAMED)}; name them "
                "or leave them out"
            ]
        )
    elsewhere = _stored([image for image in wanted if chosen[image.name] is None], visible)
    lacking = [i.name for i in wanted if chosen[i.name] is None and i.sha256 not in elsewhere]
    if lacking:
        raise BadStudyFile(
            [
                f"images: {len(lacking)} are neither among the pictures given nor in a study that you see: "
                f"{', '.join(lacking[:NAMED])}{' …' * (len(lacking) > NAMED)}; add them, or leave the images out"
            ]
        )
    rows = [row for row in chosen.values() if row]
    for row in rows:  # out of each other's way: one may be called as another was
        row.key = f"~{row.pk}"
        row.save(update_fields=["key"])
    for image in wanted:
        row = chosen[image.name] or Stimulus(
            study=study, **{name: getattr(elsewhere[image.sha256], name) for name in COPIED}
        )
        row.key, row.stimulus_class, row.role = image.name, image.stimulus_class, image.role
        row.source, row.licence = image.source, image.licence
        row.save()


class _Given:
    """The pictures that came with the description, found by what it says of them."""

    def __init__(self, by_file: Mapping[str, Stimulus]) -> None:
        self.by_file = by_file
        self.by_digest = {
            digest: row for row in by_file.values() for digest in (row.sha256, row.upload_sha256)
        }
        self.by_name: dict[str, Stimulus | None] = {}
        for name, row in by_file.items():
            plain = name.replace("\\", "/")
            for short in {plain, PurePosixPath(plain).name, unique_key(plain, set())}:
                known = self.by_name.get(short, row)
                self.by_name[short] = (
                    row if known is not None and known.pk == row.pk else None
                )  # of two, none

    def of(self, image: WantedImage) -> Stimulus | None:
        if image.file:
            return self.by_name.get(image.file)
        if image.sha256:
            return self.by_digest.get(image.sha256)
        return self.by_name.get(image.name)


def _stored(wanted: Sequence[WantedImage], visible: QuerySet[Study] | None) -> dict[str, Stimulus]:
    """By SHA-256 what other studies have of these; a picture of a study that one does not see is not there."""
    digests = {image.sha256 for image in wanted if image.sha256}
    if visible is None or not digests:
        return {}
    rows = Stimulus.objects.filter(study__in=visible, sha256__in=digests).order_by("pk")
    return {row.sha256: row for row in rows}


__all__ = ["BadStudyFile", "Described", "ImagesRefused", "checked", "make", "read_file", "without_groups"]
