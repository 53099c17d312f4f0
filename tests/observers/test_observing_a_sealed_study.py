"""Observers of a study that is sealed look at the pools that people are shown, whatever its settings would deal now."""

import io
from pathlib import Path

import pytest
from django.core.management import call_command

from saliency_worker import observer_store
from survey_site.protocols import freeze, observed
from survey_site.protocols.models import Protocol
from survey_site.reports.observer_measures import planned_looks
from survey_site.stimuli.observed import ObservedMap, ObserverJob
from survey_site.studies.models import Study
from tests import factories
from tests.observers.painted import observe, study
from tests.reports.test_study_folder import erase, export

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
HARD = {"images": 24, "hard_for_observers": True, "matching_trials_per_column": 3, "target_participants": 2}


@pytest.fixture(autouse=True)
def no_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observer_store, "ring", lambda pk: None)


def results() -> dict[tuple[str, str, frozenset[str], str], dict[str, dict[str, str]]]:
    """What is stored, by names that an import keeps."""
    keys = {str(pk): key for pk, key in Study.objects.get().stimuli.values_list("pk", "key")}
    return {
        (
            row.saliency_map.stimulus.key,
            row.saliency_map.method,
            frozenset(keys[pk] for pk in row.pool.split(",")),
            row.view,
        ): row.found
        for row in ObservedMap.objects.select_related("saliency_map__stimulus")
    }


@pytest.mark.parametrize(
    "design",
    [{}, HARD, {"images": 18, "reserve": 6, "pool_size": 2, "another_exemplar": True}],
    ids=["random", "hard for observers", "another exemplar"],
)
def test_after_an_import_they_are_tried_again_and_find_the_same(
    design: dict[str, int], tmp_path: Path
) -> None:
    made = study(**design)
    observe(made)
    document = freeze.go_live(made).content
    before, looks = results(), len(list(planned_looks(made)))
    folder = export(made.slug, tmp_path / "out")
    erase(made)
    assert not ObservedMap.objects.exists()
    out = io.StringIO()
    call_command("import_study", str(folder), stdout=out)
    assert "manage.py observe painted tries them again" in out.getvalue()
    imported = Study.objects.get()
    job = observe(imported)
    assert (job.state, job.found["search"]) == ("done", {})
    assert results() == before
    assert len(list(planned_looks(imported))) == looks
    shown = observed.order_of(imported)["pools"]["matching"]
    sealed = [set(item["stimuli"]) for item in document["items"]["matching"]]
    assert [{*pool["right"], *pool["shown"]} for pool in shown] == sealed


def test_without_media_an_import_promises_nothing(tmp_path: Path) -> None:
    made = study()
    freeze.go_live(made)
    folder = export(made.slug, tmp_path / "out", "--no-media")
    erase(made)
    out = io.StringIO()
    call_command("import_study", str(folder), stdout=out)
    assert "observe" not in out.getvalue()


def test_what_was_tried_and_searched_before_the_seal_stands_after_it() -> None:
    made = study(**HARD)
    job = observe(made)
    freeze.go_live(made)
    live = Study.objects.get()
    assert observed.asked(live).job == job
    assert observed.request(live) == job
    assert not ObserverJob.objects.filter(state="queued").exists()


def test_another_target_after_the_seal_deals_no_other_pools() -> None:
    made = study(images=24, matching_trials_per_column=2, target_participants=2)
    freeze.go_live(made)
    sealed = [set(item["stimuli"]) for item in Protocol.objects.get().content["items"]["matching"]]
    Study.objects.update(target_participants=3 * made.target_participants)
    live = Study.objects.get()
    factories.change_task(live, "matching", another_exemplar=True)
    pools = observed.order_of(live)["pools"]["matching"]
    assert [set(pool["shown"]) for pool in pools] == sealed
    assert {look.pool for look in planned_looks(live)}
