"""Where the object of each of a study's images is, for the pointing game: boxes or masks into a draft, all or none."""

import io
import math
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from django.conf import settings
from django.db.models import QuerySet
from django.utils.text import slugify
from PIL import Image

from saliency_worker.regions import HEAD, BadRegion, Box, of_boxes, of_mask, read_boxes
from survey_site.stimuli import leased_rows, storage
from survey_site.stimuli.archives import BadArchive, Upload, read_archive
from survey_site.stimuli.models import PrecomputeJob, Stimulus
from survey_site.studies.editing import editing
from survey_site.studies.errors import SeveralProblems
from survey_site.studies.models import Study

State = PrecomputeJob.State


class RegionsRefused(SeveralProblems):
    """Nothing was stored. `problems` has one line for each file or image that must change."""

    lead, joint, shown = "no region was stored: ", "; ", 5


def add_regions(study: Study, uploads: Iterable[Upload], *, within_s: float = math.inf) -> list[Stimulus]:
    """Stores CSVs of boxes, PNG masks, or zips of both as the regions of a draft's images; gives the images concerned.

    An image is named by its name in the study or by the name of its file. Its earlier region is replaced, and maps that are
    there are queued for the pointing game, which asks no network. Raises RegionsRefused, and then stores nothing.
    """
    until = time.monotonic() + within_s
    with editing(study) as study:
        if not study.is_editable:
            raise RegionsRefused(["the study is sealed; make a new version to change its regions"])
        boxes, masks = _read(uploads)
        problems: list[str] = []
        images = list(study.stimuli.order_by("key"))
        named = _images(images, {*boxes, *masks}, problems)
        made: dict[Stimulus, bytes] = {}  # a mask has a byte for each pixel until it is packed
        for name, image in named.items():
            if time.monotonic() > until:
                raise RegionsRefused(
                    [f"reading takes longer than {within_s:.0f} seconds; upload fewer at once"]
                )
            try:
                made[image] = _packed(_region(image, boxes.get(name), masks.get(name, [])))
            except BadRegion as error:
                problems.append(f"{name}: {error}")
        if not boxes and not masks and not problems:
            problems = ["there is no box and no mask in it; give a CSV of boxes, or PNG masks"]
        if problems:
            raise RegionsRefused(problems)
        for image, data in made.items():
            _put(image, *storage.put("regions", data, ".png"))
        _measure_again(made)
    return list(made)


def remove_regions(images: QuerySet[Stimulus]) -> list[Stimulus]:
    """Takes the regions of these images away, in the caller's transaction; gives the images that had one."""
    had = list(images.exclude(region_sha256=""))
    for image in had:
        _put(image, "", "")
    _measure_again(had)
    return had


def _read(uploads: Iterable[Upload]) -> tuple[dict[str, list[Box]], dict[str, list[bytes]]]:
    """Boxes and masks by the name that they come with."""
    boxes: dict[str, list[Box]] = {}
    masks: dict[str, list[bytes]] = defaultdict(list)
    most = settings.MAX_UPLOAD_MB * 1024 * 1024
    problems: list[str] = []
    for upload in _expanded(uploads, most):
        kind = PurePosixPath(upload.name.lower()).suffix
        data = upload.read(most)
        if len(data) > most:
            problems.append(
                f"{upload.name}: it has more than {settings.MAX_UPLOAD_MB} MB; give fewer at once"
            )
        elif kind == ".csv":
            try:
                for name, found in read_boxes(data.decode("utf-8-sig")).items():
                    boxes.setdefault(name, []).extend(found)
            except UnicodeDecodeError:
                problems.append(f"{upload.name}: no CSV in UTF-8; save it as CSV UTF-8")
            except BadRegion as error:
                problems.append(f"{upload.name}: {error}")
        elif kind == ".png":
            masks[upload.name].append(data)
        else:
            problems.append(
                f"{upload.name}: neither a CSV with the columns {','.join(HEAD)} nor a PNG mask, nor a zip of them"
            )
    if problems:
        raise RegionsRefused(problems)
    return boxes, masks


def _expanded(uploads: Iterable[Upload], most: int) -> Iterator[Upload]:
    for upload in uploads:
        if not upload.name.lower().endswith(".zip"):
            yield upload
            continue
        try:
            yield from read_archive(upload.data, max_total=settings.ARCHIVE_TIMES * most, max_file=most)
        except BadArchive as error:
            raise RegionsRefused([f"{upload.name}: {error}"]) from error


def _images(images: Sequence[Stimulus], names: set[str], problems: list[str]) -> dict[str, Stimulus]:
    """The image of each name; a line for each name that is of none, of several, or of an image that has another one."""
    by_key = {image.key: image for image in images}
    slugs = {name: name if name in by_key else slug_of(name) for name in names}
    found: dict[str, Stimulus] = {}
    owners: dict[Stimulus, str] = {}
    for name in sorted(names):
        candidates = candidates_of(name, slugs, by_key)
        if len(candidates) != 1:
            told = " or ".join(image.key for image in candidates)
            problems.append(
                f"{name}: it may be {told}; write the image's name as it stands in the study"
                if candidates
                else f"{name}: the study has no such image; leave it out, or upload the image first"
            )
        elif (twin := owners.setdefault(candidates[0], name)) != name:
            problems.append(f"{name}: {candidates[0].key} has a region by {twin} already; give it one")
        else:
            found[name] = candidates[0]
    return found


def slug_of(name: str) -> str:
    """What the name of an image's file becomes in a study, where no other is called so."""
    path = PurePosixPath(name.replace("\\", "/"))
    return slugify(path.stem)[:70]


def candidates_of(name: str, slugs: Mapping[str, str], by_key: Mapping[str, Stimulus]) -> list[Stimulus]:
    """The images that a name may mean: images of one file name are told apart by a number, and by their folder, the class.

    slugs: of all names that came together, since `owl-2.jpg` beside `owl.jpg` is a file of its own.
    """
    if name in by_key:
        return [by_key[name]]
    slug = slugs[name]
    if slug not in by_key:
        return []  # before all names are gone through: a table may hold a hundred thousand of them
    others = {other for key, other in slugs.items() if key != name}
    found = [by_key[slug]]
    found += [
        image
        for key, image in by_key.items()
        if key.startswith(f"{slug}-") and key[len(slug) + 1 :].isdigit() and key not in others
    ]
    if len(found) > 1:
        folder = PurePosixPath(name.replace("\\", "/")).parent.name
        if of_class := [image for image in found if folder and image.stimulus_class == folder]:
            return of_class
        classes = {image.stimulus_class for image in found}
        if len(classes) == 1 and classes != {""}:
            return found[:1]  # in one folder each has a file name of its own, and the number is part of it
    return found


def _region(image: Stimulus, boxes: list[Box] | None, masks: list[bytes]) -> Image.Image:
    if not image.path:
        raise BadRegion("the study has its name alone and no picture of it")
    if (boxes is not None) + len(masks) > 1:
        raise BadRegion("it has more than one mask, or a mask and boxes; give one of them")
    size = image.width, image.height
    return of_boxes(boxes, size) if boxes is not None else of_mask(masks[0], size)


def _packed(mask: Image.Image) -> bytes:
    out = io.BytesIO()
    mask.convert("1").save(out, "PNG")
    return out.getvalue()


def _put(image: Stimulus, path: str, sha256: str) -> None:
    image.doubt()
    image.region_path, image.region_sha256 = path, sha256
    image.save(update_fields=["region_path", "region_sha256"])


def _measure_again(images: Iterable[Stimulus]) -> None:
    """Queues the pointing game for maps that are there; what is being explained begins anew, to read the new region."""
    chosen = PrecomputeJob.objects.filter(stimulus__in=[image.pk for image in images])
    done = list(chosen.filter(state=State.DONE).values_list("pk", flat=True))
    leased_rows.requeue(chosen.filter(state=State.RUNNING))
    PrecomputeJob.objects.filter(pk__in=done).update(region_only=True)
    leased_rows.requeue(PrecomputeJob.objects.filter(pk__in=done))
