"""What is read of the maps that a study shows: one query of plain columns, however many there are."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from survey_site.protocols.shown_maps import maps_shown
from survey_site.stimuli.models import MapPicture, SaliencyMap
from tests.studies.sample import ready_study


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_shown_maps_come_in_one_query_that_leaves_their_provenance() -> None:
    study = ready_study(images=2, reserve=1, columns=2)
    SaliencyMap.objects.filter(stimulus__key="m0", method="gradcam").update(metrics={"empty": True})
    with CaptureQueriesContext(connection) as captured:
        found = maps_shown(study)
    tables = (SaliencyMap._meta.db_table, MapPicture._meta.db_table)
    (only,) = (query["sql"] for query in captured if any(table in query["sql"] for table in tables))
    assert "provenance" not in only
    assert len(found) == 9  # two conditions and the original of three images
    assert [(each.stimulus, each.method) for each in found if each.empty] == [("m0", "gradcam")]
    picture = MapPicture.objects.get(saliency_map=found[0].pk, colour_map="jet")
    assert (found[0].path, found[0].picture_sha256) == (picture.path, picture.sha256)
