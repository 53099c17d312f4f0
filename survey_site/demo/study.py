"""The demo study: pictures out of installed packages, six columns, pools of three."""

import io
import json
from collections.abc import Mapping
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from PIL import Image

from saliency_worker import catalog, fixture_files
from survey_site.design.presets import DEMO_TASKS
from survey_site.stimuli.archives import Upload
from survey_site.stimuli.intake import add_images
from survey_site.studies.models import Condition, Study
from survey_site.tasks.registry import settings_of
from survey_site.trials.views.home import DEMO_SLUG

SLUG = DEMO_SLUG
IDS_KEPT = timedelta(days=365)
PICTURES = fixture_files.FOLDER / "demo" / "pictures.json"


class DemoUnavailable(RuntimeError):
    """Something that the demo reads is not installed; the message says what to run."""


def load(classifier: str, edges: str) -> Study:
    """The demo study as a draft with its pictures and conditions; the same one when it is there already."""
    study = Study.objects.filter(slug=SLUG).first()
    if study is not None:
        return study
    with transaction.atomic():
        study = Study.objects.create(
            slug=SLUG,
            title="What did the network look at?",
            target_participants=36,
            task_settings=settings_of(DEMO_TASKS),
            practice_trials=1,
            edges=edges,
            seed=20240612,
            controller="The demo of Saliency Survey, run by whoever started it on this computer",
            contact="admin@localhost",
            ethics_number="none: a demonstration, not a study",
            ids_erased_on=timezone.localdate() + IDS_KEPT,
        )
        for entry in pictures():
            upload = Upload(f"{entry['key']}.png", read(entry), entry["class"])
            add_images(study, [upload], entry["role"], source=entry["source"], licence=entry["licence"])
        Condition.objects.bulk_create(conditions(study, classifier))
    return study


def conditions(study: Study, classifier: str) -> list[Condition]:
    """Grad-CAMs pools the three bases; each “Ours n” is its combination on the same three."""
    rows = [
        Condition(column="Grad-CAMs", column_order=0, classifier=classifier, base=base, is_reference=True)
        for base in catalog.GRADIENT_BASES
    ]
    rows += [
        Condition(
            column=f"Ours {number}", column_order=number, classifier=classifier, base=base, method=method
        )
        for method, number in catalog.OURS.items()
        for base in catalog.GRADIENT_BASES
    ]
    for row in rows:
        row.study = study
    return rows


def pictures() -> list[dict[str, Any]]:
    """The list in fixtures/demo/pictures.json."""
    entries: list[dict[str, Any]] = json.loads(PICTURES.read_text("utf-8"))
    return entries


def read(entry: Mapping[str, Any]) -> bytes:
    """A picture out of an installed package, or the part of it that is named; raises DemoUnavailable where it is not there.

    crop: left, top, right and bottom in pixels, where one photograph shows several things.
    """
    package, _, rest = entry["file"].partition("/")
    spec = find_spec(package)
    folder = Path(spec.origin).parent if spec and spec.origin else None
    if folder is None or not (folder / rest).is_file():
        raise DemoUnavailable(
            f"{entry['file']} is not installed; run `make demo`, or install `saliency-survey[demo]`"
        )
    if "crop" not in entry:
        return (folder / rest).read_bytes()
    part = io.BytesIO()
    with Image.open(folder / rest) as whole:
        whole.crop(tuple(entry["crop"])).save(part, "PNG")
    return part.getvalue()


def ensure_admin(password: str) -> None:
    """The demo's researcher: user `admin` with this password."""
    user, _ = get_user_model().objects.get_or_create(
        username="admin", defaults={"is_staff": True, "is_superuser": True, "email": "admin@localhost"}
    )
    user.set_password(password)
    user.is_staff = user.is_superuser = True
    user.save()
