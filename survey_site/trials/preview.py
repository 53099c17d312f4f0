"""A walk through a study as it stands now, for its researchers: planned in memory, nothing written or counted.

Plan, order of pages and presentation are the participants' own. Only the participant is made up, so that no
count, export, quota or ticket can know of it; and since nothing is sealed, a draft can be walked through too.
"""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image

from saliency_worker import catalog
from survey_site.design.assignment import PRACTICE, PlannedTrial, plan
from survey_site.protocols import served_images
from survey_site.protocols.document import assessment_of, design_of_document, outline
from survey_site.stimuli import storage
from survey_site.stimuli.models import MapPicture, SaliencyMap
from survey_site.stimuli.ranks import Ranks, ranks_for, ranks_of
from survey_site.studies import texts
from survey_site.studies.models import Condition, Study
from survey_site.tasks.behaviour import Behaviour, SimulatedTrial, Simulator
from survey_site.trials.flow import DONE, Step, next_step
from survey_site.trials.frozen_protocol import ORIGINAL, FrozenProtocol, ServedPicture, task_settings
from survey_site.trials.models import Participant
from survey_site.trials.planned_trials import saliency_map, shown_maps
from survey_site.trials.session import Session, TrialRow

TOKEN = "preview"  # noqa: S105 a made-up participant's name in addresses; it opens nothing
START = Step("page", "start")
USUAL_SIDE = 224
GREY = 128


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part of the study begins in the walk."""

    part: str
    number: int


class Walk(Session):
    """A session of nobody: the trials of ticket 0, all under `condition` where one is chosen.

    `problems` says what keeps the trials from being planned; the pages around them can be seen all the same.
    """

    def __init__(self, study: Study, language: str, condition: Condition | None = None) -> None:
        self.study = study
        kind = Participant.Kind.PREVIEW
        self.participant = Participant(
            study=study, token=TOKEN, receipt=TOKEN, code=TOKEN, kind=kind, language=language
        )
        self._words = texts.texts_of(study)
        self.missing = 0
        self.rows = []
        self.problems = problems(study)
        if not self.problems:
            try:
                self._lay_out(condition)
            except ValueError as error:  # pools that cannot be formed, a design that cannot be dealt
                self.problems = [str(error)]
        self.steps = [START, *self._way(), DONE]

    @property
    def texts(self) -> Any:
        return texts.merged(self._words, self.participant.language)

    def attentive(self, row: TrialRow) -> Mapping[str, str]:
        """The fields that somebody attentive would send for this trial, were it a check."""
        truth = self.truth(row)
        inside = truth.target in truth.pool
        place = truth.pool.index(truth.target) if inside else self.task(row).answer_place(truth)
        trial = SimulatedTrial(
            task=row.task,
            position=row.position,
            column="",
            target=truth.target,
            pool=truth.pool,
            target_position=place if truth.pool else None,
            columns=("",) * len(row.maps),
            first=truth.first,
            check=True,
            expected=truth.expected,
        )
        simulator = Simulator(Behaviour(lapse=0, careless=0), TOKEN)
        return self.task(row).behave(simulator, simulator.person(0), trial).fields

    def places(self) -> list[Place]:
        """The parts of the study in order, each with the number of its first page."""
        found: dict[str, int] = {}
        for number, step in enumerate(self.steps):
            for part in self._parts(step):
                found.setdefault(part, number)
        return [Place(part, number) for part, number in found.items()]

    def _parts(self, step: Step) -> list[str]:
        if step.kind == "done":
            return ["done"]
        if step.kind == "page":
            return [] if step.part[0] in ("begin", "feedback") else [step.name]
        row = self.rows[step.position]
        part = f"practice_{row.task}" if row.block == PRACTICE else row.task
        return [part, *([f"check_{row.task}"] if row.attention_check else [])]

    def _way(self) -> list[Step]:
        """Every page in the order in which a participant meets them."""
        trials, read, steps = list(self.rows), set[str](), list[Step]()
        while (step := next_step(trials, read, bool(self.fields))) != DONE:
            steps.append(step)
            if step.kind == "page":
                read.add(step.key)
            else:
                trials[step.position] = trials[step.position]._replace(key="answered")
        return steps

    def _lay_out(self, condition: Condition | None) -> None:
        study = self.study
        document = outline(study, image_px=side_of(study), texts=self._words)
        conditions = list(study.conditions.all())
        ids = {(c.column, c.classifier, c.base, c.method): c.pk for c in conditions}
        laid_out = design_of_document(document, ids)
        stimuli = dict(study.stimuli.values_list("key", "pk"))
        shown = [_under(condition, trial) for trial in plan(laid_out, 0)]
        names = {c.pk: (c.classifier, c.key) for c in conditions}
        seen = {stimuli[str(key)] for trial in shown for key in (trial.target, *trial.pool)}
        wanted = {*names.values(), ("", ORIGINAL)}
        pictures, paths, labels = _pictures(study, seen, wanted, ranks_of(study))
        self.frozen = FrozenProtocol(
            hash="",
            measurement_id=0,
            study_slug=study.slug,
            study_title=study.title,
            design=laid_out,
            settings=document["design"],
            tasks=task_settings(document),
            texts=self._words,
            exclusion_rules={},
            stimulus_ids=stimuli,
            stimulus_keys={pk: key for key, pk in stimuli.items()},
            classes=dict(study.stimuli.values_list("key", "stimulus_class")),
            conditions=names,
            pictures=pictures,
            paths=paths,
            labels=labels,
        )
        self.rows = [self._row(trial, stimuli) for trial in shown]
        self.missing = sum(not paths[row.saliency_map] for row in self.rows)

    def _row(self, trial: PlannedTrial, stimuli: dict[str, int]) -> TrialRow:
        stimulus = stimuli[str(trial.target)]
        condition = None if trial.condition is None else int(trial.condition)
        maps = shown_maps(self.frozen, trial, stimulus)
        return TrialRow(
            pk=0,
            position=trial.position,
            block=trial.block,
            task=trial.task,
            issued=False,
            stimulus=stimulus,
            saliency_map=saliency_map(self.frozen, trial, stimulus),
            maps_text=json.dumps(maps),
            pool_text=json.dumps([stimuli[str(key)] for key in trial.pool]),
            condition=condition,
            attention_check=trial.attention_check,
            expected=trial.expected,
            key=None,
            body_hash=None,
        )


def problems(study: Study) -> list[str]:
    """What must change before a participant's trials can be planned at all, one line each."""
    if not study.conditions.exists():
        return ["The study has no conditions yet; tick classifiers and methods."]
    if not study.stimuli.exists():
        return ["The study has no images yet; upload some."]
    return [f"{f.text} {f.change}" for f in assessment_of(study).findings if f.blocking]


def side_of(study: Study) -> int:
    """Pixels of a picture's side: the study's, or the largest input of its classifiers, as at the freeze."""
    sizes = [
        spec.input_size for c in study.conditions.all() if (spec := catalog.CLASSIFIERS.get(c.classifier))
    ]
    used = {c.classifier for c in study.conditions.all()}
    sizes += [row.found["input"][0] for row in study.own_models.all() if row.name in used and row.found]
    return study.image_px or max(sizes, default=USUAL_SIDE)


def photo_below(study: Study, path: str) -> str:
    """The stored original over which trials show the map of this picture; empty where it is shown as it is."""
    if not study.overlay or not path:
        return ""
    pictures = MapPicture.objects.filter(saliency_map__stimulus__study=study, colour_map=study.colour_map)
    shown = pictures.filter(path=path).select_related("saliency_map").first()
    if shown is None or shown.saliency_map.method == ORIGINAL:
        return ""
    own = {"stimulus": shown.saliency_map.stimulus_id, "classifier": shown.saliency_map.classifier}
    of_original = {f"saliency_map__{name}": value for name, value in own.items()}
    below = pictures.filter(saliency_map__method=ORIGINAL, saliency_map__current=True, **of_original).first()
    return below.path if below else ""


def render(path: str, side: int, photo: str = "") -> bytes:
    """A stored picture as the freeze would serve it; a grey square where there is none yet.

    photo: as of `photo_below`.
    """
    if not path:
        image = Image.new("RGB", (side, side), (GREY, GREY, GREY))
    else:
        with Image.open(io.BytesIO(storage.get(path))) as stored:
            rgb = stored.convert("RGB")
        edge = min(rgb.size)  # sources are cut to their centre square, as by the worker; maps are squares
        left, top = (rgb.width - edge) // 2, (rgb.height - edge) // 2
        image = rgb.crop((left, top, left + edge, top + edge))
    out = io.BytesIO()
    image.save(out, format="PNG")
    return served_images.encode(out.getvalue(), side, storage.get(photo) if photo else None)


def _under(condition: Condition | None, trial: PlannedTrial) -> PlannedTrial:
    """The trial under the condition asked for; what shows an original, or several columns at once, stays as it is."""
    if condition is None or trial.condition is None or trial.maps:
        return trial
    return replace(trial, condition=condition.pk)


def _pictures(
    study: Study, stimuli: set[int], wanted: set[tuple[str, str]], ranks: Ranks
) -> tuple[dict[tuple[int, str, str, int], ServedPicture], dict[int, str], dict[int, str]]:
    """Stored pictures by stimulus, classifier, method and rank, with the paths and explained classes of their maps.

    Missing maps have made-up ids and no path; an original that is not computed yet is the source itself.
    """
    maps = SaliencyMap.objects.filter(
        stimulus__in=stimuli, current=True, pictures__colour_map=study.colour_map
    )
    found, labels = {}, {}
    for stimulus, classifier, method, rank, pk, label, path in maps.order_by("pk").values_list(
        "stimulus_id", "classifier", "method", "rank", "pk", "class_name", "pictures__path"
    ):
        found[(stimulus, classifier, method, rank)] = ServedPicture(pk, path)
        labels[pk] = label
    made_up = _counting_down()
    for stimulus, path in study.stimuli.filter(pk__in=stimuli).values_list("pk", "path"):
        for classifier, method in sorted(wanted):
            for rank in ranks_for(method, ranks):
                absent = path if method == ORIGINAL else ""
                found.setdefault((stimulus, classifier, method, rank), ServedPicture(made_up(), absent))
    return found, {picture.saliency_map: picture.path for picture in found.values()}, labels


def _counting_down() -> Callable[[], int]:
    """Ids that no row has: −1, −2 …"""
    last = 0

    def following() -> int:
        nonlocal last
        last -= 1
        return last

    return following
