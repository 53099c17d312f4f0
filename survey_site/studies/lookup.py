"""What the commands share."""

from django.core.management.base import CommandError

from survey_site.studies.models import Study


def study_named(slug: str) -> Study:
    """The study, or an error that names those there are."""
    study = Study.objects.filter(slug=slug).first()
    if study is None:
        known = ", ".join(Study.objects.values_list("slug", flat=True)[:20]) or "none yet"
        raise CommandError(f"no study {slug!r}; there are: {known}")
    return study
