"""What is done to ticked images of a draft: deleted, set aside, counted again, given another class. All of them or none."""

from collections.abc import Callable

from django.db.models import Count, ProtectedError, Q, QuerySet
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from survey_site.design.use_of_images import to_reserve
from survey_site.protocols import stored_files
from survey_site.protocols.document import assessment_of
from survey_site.stimuli import regions
from survey_site.stimuli.models import Stimulus
from survey_site.studies import audit
from survey_site.studies.editing import editing
from survey_site.studies.models import Study

Role = Stimulus.Role
LONGEST_CLASS = 120


class NotDone(ValueError):
    """Nothing was changed; the message says why."""


def act(request: HttpRequest, study: Study, verb: str, data: QueryDict) -> str:
    """Does it, writes it into the log, and says what was done. Raises NotDone."""
    with editing(study) as study:
        if not study.is_editable:
            raise NotDone(_("The study is sealed; make a new version to change its images."))
        if verb == "deal":
            return _deal(request, study)
        if verb not in VERBS:
            raise NotDone(_("Choose one of the buttons."))
        ticked = [
            int(key) for key in data.getlist("image") if key.isascii() and key.isdigit() and len(key) < 18
        ]
        chosen = study.stimuli.filter(pk__in=ticked)
        if not ticked or chosen.count() < len(set(ticked)):
            raise NotDone(
                _("Tick the images first.")
                if not ticked
                else _("Some of these images are gone; look again, then tick.")
            )
        return VERBS[verb](request, study, chosen, data)


def _deal(request: HttpRequest, study: Study) -> str:
    """As many images as practice and checks still need, of the largest classes."""
    verdict = assessment_of(study)
    wanted = verdict.reserve_needed - verdict.reserve_available
    main = list(study.stimuli.filter(role=Role.MAIN).order_by("key").values_list("pk", "stimulus_class"))
    if wanted <= 0 or not main:
        raise NotDone(_("Practice and checks have the images that they need."))
    chosen = to_reserve(main, wanted, str(study.seed))
    aside = study.stimuli.filter(pk__in=chosen)
    names, n = _names(aside), aside.change(role=Role.RESERVE)
    audit.record_changes(request, study, "images made reserve", names, of=str(n))
    return ngettext("%d image set aside.", "%d images set aside.", n) % n


def _names(images: QuerySet[Stimulus]) -> list[str]:
    return list(images.order_by("key").values_list("key", flat=True))


def _delete(request: HttpRequest, study: Study, chosen: QuerySet[Stimulus], data: QueryDict) -> str:
    files, names = stored_files.of_images(chosen), _names(chosen)
    try:
        chosen.delete()
    except ProtectedError as error:
        raise NotDone(
            _(
                "Nothing was deleted: participants of an earlier version were shown some of these images. Leave these out, "
                "or make a study of its own without them."
            )
        ) from error
    stored_files.remove_after_commit(files)
    audit.record_changes(request, study, "images deleted", names, of=str(len(names)))
    return ngettext("%d image deleted.", "%d images deleted.", len(names)) % len(names)


def _without_region(request: HttpRequest, study: Study, chosen: QuerySet[Stimulus], data: QueryDict) -> str:
    files = set(chosen.values_list("region_path", flat=True))
    changed = regions.remove_regions(chosen)
    stored_files.remove_after_commit(files)
    audit.record_changes(
        request, study, "regions removed", [image.key for image in changed], of=str(len(changed))
    )
    n = len(changed)
    return ngettext("The region of %d image removed.", "The regions of %d images removed.", n) % n


def _role(role: Stimulus.Role) -> Callable[[HttpRequest, Study, QuerySet[Stimulus], QueryDict], str]:
    def change(request: HttpRequest, study: Study, chosen: QuerySet[Stimulus], data: QueryDict) -> str:
        changed = chosen.exclude(role=role)
        names, n = _names(changed), Stimulus.objects.filter(pk__in=changed).change(role=role)
        audit.record_changes(request, study, f"images made {role.value}", names, of=str(n))
        return ngettext("%d image changed.", "%d images changed.", n) % n

    return change


def _relabel(request: HttpRequest, study: Study, chosen: QuerySet[Stimulus], data: QueryDict) -> str:
    label = str(data.get("label", "")).strip()
    if not label or len(label) > LONGEST_CLASS or "\0" in label:
        raise NotDone(_("Write the class, of at most %d signs.") % LONGEST_CLASS)
    if study.protocols.exists():
        raise NotDone(_("Sealed versions of this study name these classes; they stay as they are."))
    changed = chosen.exclude(stimulus_class=label)
    phrases = [
        f"{key}: {old} → {label}" for key, old in changed.order_by("key").values_list("key", "stimulus_class")
    ]
    images = list(changed.order_by("key"))
    for image in images:
        image.doubt()
        image.stimulus_class = label
        image.save(update_fields=["stimulus_class"])  # an update would leave the seal of the old class
    audit.record_changes(request, study, "images relabelled", phrases)
    n = len(images)
    return ngettext(
        "%(n)d image is of the class “%(c)s” now.", "%(n)d images are of the class “%(c)s” now.", n
    ) % {
        "n": n,
        "c": label,
    }


VERBS: dict[str, Callable[[HttpRequest, Study, QuerySet[Stimulus], QueryDict], str]] = {
    "delete": _delete,
    "reserve": _role(Role.RESERVE),
    "main": _role(Role.MAIN),
    "relabel": _relabel,
    "no_region": _without_region,
}


def small(images: QuerySet[Stimulus], sides: dict[str, int]) -> list[tuple[str, int, int]]:
    """(classifier, side of its input, number of images whose shorter side is smaller), where there are any."""
    measured = images.filter(width__gt=0, height__gt=0)
    shorter = {
        str(side): Count("pk", filter=Q(width__lt=side) | Q(height__lt=side)) for side in {*sides.values()}
    }
    n = measured.aggregate(**shorter) if shorter else {}
    return [(name, side, n[str(side)]) for name, side in sorted(sides.items()) if n[str(side)]]
