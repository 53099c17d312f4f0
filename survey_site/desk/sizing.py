"""What a site takes, measured in its own database and files: bytes a participant, an image and a map, maps an hour.

For planning: docs/operations.md, “Sizing”. Of an empty site nothing can be said.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, pairwise

from django.apps import apps
from django.core.files.storage import default_storage
from django.db import connection

from survey_site.protocols.models import ServedImage
from survey_site.stimuli.models import MapPicture, PrecomputeJob, SaliencyMap, Stimulus
from survey_site.trials.models import Participant, Response

PEOPLE = ("trials", "recruitment")
"""Rooms whose tables grow with participants; the others grow with images and studies."""
LOOKED_AT = 500
"""Files whose sizes are asked for: of an object store each is a request."""
PAUSE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Size:
    """what: is measured. value: in the unit. of: how many it is taken from."""

    what: str
    value: float
    unit: str
    of: int


def sizes() -> Iterator[Size]:
    """Whatever can be said of this site."""
    people, answers = Participant.objects.count(), Response.objects.count()
    if people:
        grown = sum(table_bytes(names_of(PEOPLE)).values())
        yield Size("answers of a participant", answers / people, "", people)
        yield Size("database, of 1,000 participants", grown / people * 1000 / 1e9, "GB", people)
    kept = Stimulus.objects.exclude(path="").values_list("path", flat=True)
    arrays = SaliencyMap.objects.exclude(array_path="").values_list("array_path", flat=True)
    pictures = MapPicture.objects.values_list("path", flat=True)
    served = ServedImage.objects.values_list("path", flat=True)
    for what, paths in (
        ("file of an image", kept),
        ("array of a map", arrays),
        ("picture of a map", pictures),
        ("picture as it is served", served),
    ):
        asked = [default_storage.size(path) for path in islice(paths.order_by("pk").iterator(), LOOKED_AT)]
        if asked:
            yield Size(what, sum(asked) / len(asked) / 1e3, "kB", len(asked))
    finished = PrecomputeJob.objects.filter(state=PrecomputeJob.State.DONE, finished_at__isnull=False)
    times = finished.order_by("finished_at").values_list("finished_at", flat=True)
    hours, ended = busy_hours(at for at in times.iterator() if at)
    if hours:
        maps = SaliencyMap.objects.count() * ended / max(finished.count(), 1)
        yield Size("maps an hour, all workers together", maps / hours, "", ended)


def busy_hours(times: Iterable[datetime]) -> tuple[float, int]:
    """Hours in which one job ended after another, without the pauses; and how many ended in them."""
    busy, ended = timedelta(), 0
    for earlier, later in pairwise(times):
        if later - earlier < PAUSE:
            busy += later - earlier
            ended += 1
    return busy / timedelta(hours=1), ended


def names_of(rooms: Iterable[str]) -> list[str]:
    """The tables of rooms."""
    return [model._meta.db_table for room in rooms for model in apps.get_app_config(room).get_models()]


def table_bytes(tables: Sequence[str]) -> dict[str, int]:
    """By table what it takes on the disk, with its indexes."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT name, pg_total_relation_size(name::regclass) FROM unnest(%s::text[]) AS name",
                [list(tables)],
            )
        else:
            cursor.execute(
                "SELECT tbl_name, sum(pgsize) FROM dbstat JOIN sqlite_master USING (name) GROUP BY tbl_name"
            )
        return {name: int(size) for name, size in cursor.fetchall() if name in tables}
