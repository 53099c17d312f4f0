"""The guided path on a study's form."""

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from survey_site.stimuli import jobs
from survey_site.studies.models import Study


def steps_html(study: Study) -> SafeString:
    """The guided path: images → maps → conditions → live, each step with its state and link."""
    counts = jobs.progress(study)
    n_images, n_conditions = study.stimuli.count(), study.conditions.count()
    steps = [
        (_("Images"), "admin:study_images", n_images > 0, f"{n_images}"),
        (_("Conditions"), "admin:study_conditions", n_conditions > 0, f"{n_conditions}"),
        (
            _("Maps"),
            "admin:study_precompute",
            counts.done > 0 and counts.done == counts.total,
            f"{counts.done}/{counts.total}",
        ),
        (_("Check"), "admin:study_check", not study.is_editable, ""),
        (_("Live"), "admin:study_live", study.is_open, study.get_state_display()),
    ]
    items = format_html_join(
        "",
        '<li class="{}"><a href="{}">{}</a> <small>{}</small></li>',
        (
            ("done" if done else "open", reverse(name, args=[study.pk]), label, note)
            for label, name, done, note in steps
        ),
    )
    return format_html('<ol class="survey-steps">{}</ol>', items)
