"""The path from images to a live study: each step with what is there, what is missing, and what comes next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import prefetch_related_objects
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from survey_site.design.assessment import Assessment
from survey_site.protocols.document import assessment_of
from survey_site.stimuli import missing_maps
from survey_site.stimuli.models import Stimulus
from survey_site.studies import consent
from survey_site.studies.models import Study

IMAGES, CONDITIONS, MAPS, TEXTS, CHECK, PREVIEW, LIVE = (
    "images", "conditions", "precompute", "texts", "check", "preview", "live",
)  # fmt: skip
TITLES: dict[str, str | Promise] = {
    IMAGES: gettext_lazy("Images"),
    CONDITIONS: gettext_lazy("Conditions"),
    MAPS: gettext_lazy("Maps"),
    TEXTS: gettext_lazy("Texts"),
    CHECK: gettext_lazy("Check"),
    PREVIEW: gettext_lazy("Preview"),
    LIVE: gettext_lazy("Live"),
}
"""By page of the table (`desk/page_table.py`), in the order of the path."""
# Pages that belong to a step without being one.
PARTS = {"models": CONDITIONS, "pools": CONDITIONS, "upload-maps": MAPS, "map-gallery": MAPS, "amend": LIVE}


@dataclass(frozen=True, slots=True)
class Step:
    """One step. note: what is there, such as "12 + 4". missing: what is still to do; empty where nothing is."""

    name: str
    address: str
    note: str = ""
    missing: str = ""
    done: bool = False

    @property
    def title(self) -> str | Promise:
        return TITLES[self.name]


@dataclass(frozen=True, slots=True)
class StudyPath:
    """The path as a page of it shows it. here: the step of the page, or None beside the path (the study's form)."""

    steps: Sequence[Step]
    here: str | None = None

    @property
    def current(self) -> Step | None:
        return next((step for step in self.steps if step.name == self.here), None)

    @property
    def back(self) -> Step | None:
        return self._beside(-1)

    @property
    def following(self) -> Step | None:
        """The step after this one; beside the path the first that lacks something."""
        if self.current is None:
            return next((step for step in self.steps if not step.done), self.steps[-1])
        return self._beside(1)

    def _beside(self, way: int) -> Step | None:
        names = [step.name for step in self.steps]
        place = names.index(self.here) + way if self.here in names else -1
        return self.steps[place] if 0 <= place < len(names) else None


def path_of(study: Study, here: str | None = None) -> StudyPath:
    """The path of a study. A fixed number of queries; of a sealed study nothing is missing."""
    prefetch_related_objects([study], "conditions")
    conditions = len(study.conditions.all())
    verdict = assessment_of(study) if conditions else None
    main, reserve = (verdict.images_available, verdict.reserve_available) if verdict else _images(study)
    maps = missing_maps.count(study, main + reserve)
    if not (main and study.is_editable):
        verdict = None
    told = {
        IMAGES: (_with_reserve(main, reserve), _images_missing(main, verdict)),
        CONDITIONS: (str(conditions), "" if conditions else _("none ticked")),
        MAPS: (f"{maps.there}/{maps.wanted}" if maps.wanted else "", _maps_missing(conditions, maps)),
        TEXTS: ("", _texts_missing(study)),
        CHECK: ("", _to_change(verdict)),
        PREVIEW: ("", ""),
        LIVE: (_state(study), "" if not study.is_editable else _("not sealed")),
    }
    if not study.is_editable:
        told = {name: (note, "") for name, (note, _missing) in told.items()}
    looked_at = bool(conditions and main)  # before that there is nothing to look at, and no verdict
    return StudyPath(
        [
            Step(
                name,
                reverse(f"admin:study_{name}", args=[study.pk]),
                note,
                missing,
                done=not missing and (looked_at or name not in (CHECK, PREVIEW)),
            )
            for name, (note, missing) in told.items()
        ],
        PARTS.get(here, here) if here else None,
    )


def path_html(study: Study) -> SafeString:
    """The path on the study's form, beside the steps."""
    made: SafeString = render_to_string("desk/steps.html", {"path": path_of(study), "beside": True})
    return made


def page_name(url_name: str | None) -> str | None:
    """The page of the path, or of one of its parts, that this address belongs to; None for all others."""
    name = (url_name or "").removeprefix("study_")
    return name if name in TITLES or name in PARTS else None


def _images(study: Study) -> tuple[int, int]:
    roles = list(study.stimuli.order_by().values_list("role", flat=True))
    return roles.count(Stimulus.Role.MAIN), roles.count(Stimulus.Role.RESERVE)


def _state(study: Study) -> str:
    """The state where it is another word than the step's own title."""
    return "" if study.state == Study.State.LIVE else str(study.get_state_display())


def _with_reserve(main: int, reserve: int) -> str:
    return f"{main} + {reserve}" if reserve else str(main)


def _images_missing(main: int, verdict: Assessment | None) -> str:
    if not main:
        return _("none yet")
    if verdict is None:
        return ""
    if verdict.images_missing:
        return _("%(n)d more needed") % {"n": verdict.images_missing}
    lacking = verdict.reserve_needed - verdict.reserve_available
    return _("%(n)d for practice") % {"n": lacking} if lacking > 0 else ""


def _maps_missing(conditions: int, maps: missing_maps.MapCount) -> str:
    if not conditions or not maps.wanted:
        return _("nothing to compute yet")
    return _("%(n)d missing") % {"n": maps.missing} if maps.missing else ""


def _texts_missing(study: Study) -> str:
    return _("facts missing") if consent.problems(study) else ""


def _to_change(verdict: Assessment | None) -> str:
    if verdict is None:
        return ""
    n = sum(finding.blocking for finding in verdict.findings)
    return ngettext("%(n)d to change", "%(n)d to change", n) % {"n": n} if n else ""


def context_of(request: Any, study: Study, edits: bool) -> dict[str, Any]:
    """What a page about a study prints of the path: nothing beside it, or for who may not take its steps."""
    match = request.resolver_match
    here = page_name(match.url_name if match else None)
    return {"path": path_of(study, here)} if here and edits else {}
