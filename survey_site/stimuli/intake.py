"""Takes uploads into a study: all of them or none, duplicates recognised."""

import math
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO, Literal

from django.conf import settings
from django.db import transaction
from django.utils.text import slugify

from survey_site.stimuli import storage
from survey_site.stimuli.archives import BadArchive, Upload, read_archive
from survey_site.stimuli.models import Stimulus
from survey_site.stimuli.pictures import BadPicture, read_picture
from survey_site.studies.errors import SeveralProblems
from survey_site.studies.models import Study

Twins = Literal["ask", "keep", "take"]


class ImagesRefused(SeveralProblems):
    """Nothing was stored. `problems` has one line for each file that must change; `good`: how many others could be taken."""

    lead, joint, shown = "nothing was stored: ", "; ", 5

    def __init__(self, problems: Sequence[str], good: int = 0) -> None:
        super().__init__(problems)
        self.good = good


class TwoClasses(ImagesRefused):
    """The same picture came under two classes, and nobody has said which it is of."""


@dataclass
class Intake:
    """What came of an upload: the new stimuli, and the names of files that the study has already.

    notices: what was decided in decoding, with the file's name. left_out: lines of the files that could not be taken.
    relabelled: names of images whose class became that of the upload. by_file: each picture by the name of its file.
    """

    added: list[Stimulus] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    relabelled: list[str] = field(default_factory=list)
    by_file: dict[str, Stimulus] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Decoded:
    """A picture that may become a stimulus; its PNG waits in a temporary file, since all or none are stored."""

    name: str
    stimulus_class: str
    upload_sha256: str
    width: int
    height: int
    notices: tuple[str, ...]
    begin: int
    length: int


def expand(uploads: Iterable[Upload]) -> Iterator[Upload]:
    """Each zip as its members, one at a time; raises ImagesRefused where a zip is unusable."""
    for upload in uploads:
        if not upload.name.lower().endswith(".zip"):
            yield upload
            continue
        most = settings.MAX_UPLOAD_MB * 1024 * 1024
        try:
            for member in read_archive(upload.data, max_total=settings.ARCHIVE_TIMES * most, max_file=most):
                yield Upload(member.name, member.data, member.stimulus_class or upload.stimulus_class)
        except BadArchive as error:
            raise ImagesRefused([f"{upload.name}: {error}"]) from error


def add_images(
    study: Study,
    uploads: Iterable[Upload],
    role: str = Stimulus.Role.MAIN,
    *,
    within_s: float = math.inf,
    skip_bad: bool = False,
    twins: Twins = "ask",
    **extra: str,
) -> Intake:
    """Stores pictures and zips of pictures as stimuli of a draft. Raises ImagesRefused, and then stores nothing.

    within_s: how long decoding may take, for callers that somebody else waits for. skip_bad: files that are no images are
    left out, as long as there are others. twins: what a picture that comes again under another class means: a question
    (TwoClasses), the class that it had, or the class that it comes with.
    """
    if not study.is_editable:
        raise ImagesRefused(
            [f"the study is {study.get_state_display().lower()}; make a new version to add images"]
        )
    intake = Intake()
    with tempfile.TemporaryFile() as spool:
        pictures, intake.left_out = _decode(expand(uploads), spool, within_s)
        if intake.left_out and not (skip_bad and pictures):
            raise ImagesRefused(intake.left_out, good=len(pictures))
        with transaction.atomic():
            known = {stimulus.sha256: stimulus for stimulus in study.stimuli.exclude(sha256="")}
            keys = set(study.stimuli.values_list("key", flat=True))
            questions: list[str] = []
            for picture in pictures:
                spool.seek(picture.begin)
                path, digest = storage.put("stimuli", spool.read(picture.length), ".png")
                if twin := known.get(digest):
                    intake.by_file[picture.name] = twin
                    questions += _twin(intake, twin, picture, twins)
                    continue
                intake.notices += [f"{picture.name}: {notice}" for notice in picture.notices]
                stimulus = Stimulus.objects.create(
                    study=study,
                    key=unique_key(picture.name, keys),
                    stimulus_class=picture.stimulus_class.strip()[:120],
                    role=role,
                    sha256=digest,
                    upload_sha256=picture.upload_sha256,
                    path=path,
                    width=picture.width,
                    height=picture.height,
                    **extra,
                )
                keys.add(stimulus.key)
                known[digest] = intake.by_file[picture.name] = stimulus
                intake.added.append(stimulus)
            if questions:
                raise TwoClasses(questions)
    return intake


def _twin(intake: Intake, twin: Stimulus, picture: _Decoded, twins: Twins) -> list[str]:
    """Notes a picture that is there already; gives the question where its class is another one and nobody has said."""
    label = picture.stimulus_class.strip()[:120]
    intake.duplicates.append(picture.name)
    if label in ("", twin.stimulus_class) or twins == "keep":
        return []
    if twin.stimulus_class and twins == "ask":
        return [
            f"{picture.name}, of the class “{label}”, is the same picture as {twin.key}, of the class "
            f"“{twin.stimulus_class}”; give it one class"
        ]
    if twins == "take":
        twin.stimulus_class = label
        twin.save(update_fields=["stimulus_class"])
        intake.relabelled.append(twin.key)
    return []


def unique_key(name: str, taken: set[str]) -> str:
    """A slug of the file's stem that no other stimulus of the study has."""
    stem = slugify(PurePosixPath(name.replace("\\", "/")).stem)[:70] or "image"
    key, number = stem, 2
    while key in taken:
        key, number = f"{stem}-{number}", number + 1
    return key


def _decode(files: Iterable[Upload], spool: IO[bytes], within_s: float) -> tuple[list[_Decoded], list[str]]:
    """Every picture, its PNG written to the end of `spool`, and a line for each file that is none."""
    most = settings.MAX_UPLOAD_MB * 1024 * 1024
    until = time.monotonic() + within_s
    found: list[_Decoded] = []
    problems: list[str] = []
    for upload in files:
        if time.monotonic() > until:
            raise ImagesRefused([f"decoding takes longer than {within_s:.0f} seconds; upload fewer at once"])
        data = upload.read(most)
        try:
            _check_text(upload.name, upload.stimulus_class)
            clean = read_picture(data, max_bytes=most, max_pixels=settings.MAX_IMAGE_MEGAPIXELS * 1_000_000)
        except BadPicture as error:
            problems.append(f"{upload.name}: {error}")
            continue
        found.append(
            _Decoded(
                upload.name,
                upload.stimulus_class,
                storage.sha256(data),
                clean.width,
                clean.height,
                clean.notices,
                spool.tell(),
                len(clean.png),
            )
        )
        spool.write(clean.png)
    return found, problems


def _check_text(*texts: str) -> None:
    """Names and labels come out of zips and forms, and go into the database."""
    for text in texts:
        if "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
            raise BadPicture("its name or class is no text; rename it")
