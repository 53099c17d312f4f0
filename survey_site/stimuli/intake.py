"""Takes uploads into a study: all of them or none, duplicates recognised."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from django.conf import settings
from django.db import transaction
from django.utils.text import slugify

from survey_site.stimuli import storage
from survey_site.stimuli.archives import BadArchive, Upload, read_archive
from survey_site.stimuli.models import Stimulus
from survey_site.stimuli.pictures import BadPicture, CleanImage, read_picture
from survey_site.studies.errors import SeveralProblems
from survey_site.studies.models import Study


class ImagesRefused(SeveralProblems):
    """Nothing was stored. `problems` has one line for each file that must change."""

    lead, joint, shown = "nothing was stored: ", "; ", 5


@dataclass
class Intake:
    """What came of an upload: the new stimuli, and the names of files that the study has already.

    notices: what was decided in decoding, with the file's name.
    """

    added: list[Stimulus] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def expand(uploads: Iterable[Upload]) -> list[Upload]:
    """Replaces each zip by its members; raises ImagesRefused where a zip is unusable."""
    megabyte = 1024 * 1024
    files: list[Upload] = []
    for upload in uploads:
        if not upload.name.lower().endswith(".zip"):
            files.append(upload)
            continue
        try:
            members = read_archive(
                upload.data,
                max_total=32 * settings.MAX_UPLOAD_MB * megabyte,
                max_file=settings.MAX_UPLOAD_MB * megabyte,
            )
        except BadArchive as error:
            raise ImagesRefused([f"{upload.name}: {error}"]) from error
        files += [Upload(m.name, m.data, m.stimulus_class or upload.stimulus_class) for m in members]
    return files


def add_images(
    study: Study, uploads: Iterable[Upload], role: str = Stimulus.Role.MAIN, **extra: str
) -> Intake:
    """Stores pictures and zips of pictures as stimuli of a draft. Raises ImagesRefused, and then stores nothing."""
    if not study.is_editable:
        raise ImagesRefused(
            [f"the study is {study.get_state_display().lower()}; make a new version to add images"]
        )
    files = expand(uploads)
    pictures = _decode(files)
    intake = Intake()
    with transaction.atomic():
        known = set(study.stimuli.values_list("sha256", flat=True))
        keys = set(study.stimuli.values_list("key", flat=True))
        for upload, picture in zip(files, pictures, strict=True):
            path, digest = storage.put("stimuli", picture.png, ".png")
            if digest in known:
                intake.duplicates.append(upload.name)
                continue
            known.add(digest)
            intake.notices += [f"{upload.name}: {notice}" for notice in picture.notices]
            stimulus = Stimulus.objects.create(
                study=study,
                key=unique_key(upload.name, keys),
                stimulus_class=upload.stimulus_class.strip()[:120],
                role=role,
                sha256=digest,
                upload_sha256=storage.sha256(upload.data),
                path=path,
                width=picture.width,
                height=picture.height,
                **extra,
            )
            keys.add(stimulus.key)
            intake.added.append(stimulus)
    return intake


def unique_key(name: str, taken: set[str]) -> str:
    """A slug of the file's stem that no other stimulus of the study has."""
    stem = slugify(PurePosixPath(name.replace("\\", "/")).stem)[:70] or "image"
    key, number = stem, 2
    while key in taken:
        key, number = f"{stem}-{number}", number + 1
    return key


def _decode(files: list[Upload]) -> list[CleanImage]:
    pictures: list[CleanImage] = []
    problems: list[str] = []
    for upload in files:
        try:
            pictures.append(
                read_picture(
                    upload.data,
                    max_bytes=settings.MAX_UPLOAD_MB * 1024 * 1024,
                    max_pixels=settings.MAX_IMAGE_MEGAPIXELS * 1_000_000,
                )
            )
        except BadPicture as error:
            problems.append(f"{upload.name}: {error}")
    if problems:
        raise ImagesRefused(problems)
    return pictures
