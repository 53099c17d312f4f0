"""Which addresses benchmarks/big.py asks for, out of the project's own tables of pages, exports and views."""

import re
from collections.abc import Iterator, Sequence

from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import URLPattern, reverse

from benchmarks.desk import lists
from survey_site.api.urls import urlpatterns as api_views
from survey_site.desk.page_table import PAGES, Part
from survey_site.reports import cached_report
from survey_site.reports.population import Population, protocol_of
from survey_site.reports.urls import urlpatterns as report_views
from survey_site.studies.models import Study

Found = tuple[str, str]
"""Name and address; an empty address where none is known."""
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
KNOWN = {"language": "en", "condition": "0", "place": "0"}  # of a page that needs more than its study
LAST = "cursor=cj0x"  # "r=1": from the end


def pages(slugs: Sequence[str]) -> list[Found]:
    """Every page and fragment about a study that the desk's table names, of each of these studies."""
    found = [("dashboard", reverse("admin:index"))]
    for study in Study.objects.filter(slug__in=slugs).order_by("pk"):
        found.append((f"{study.slug}: form", reverse("admin:studies_study_change", args=[study.pk])))
        for page in PAGES:
            for part in (Part(page.name, page.view), *page.parts):
                needed = PARAMETER.findall(part.route)
                known = {name: KNOWN[name] for name in needed if name in KNOWN} | {"pk": study.pk}
                whole = set(needed) <= set(known)
                address = reverse(f"admin:study_{part.name}", kwargs=known) if whole else ""
                found.append((f"{study.slug}: {part.name}", address))
        for name in ("report", "data_files", "reconciliation"):
            found.append((f"{study.slug}: {name}", reverse(name, args=[study.slug])))
    return found


def objects() -> list[Found]:
    """The pages of one object (its form, its history, its deletion and what else there is), the newest of each list."""
    return [found for model_admin in admin.site._registry.values() for found in _of_newest(model_admin)]


def _of_newest(model_admin: admin.ModelAdmin) -> Iterator[Found]:
    row = model_admin.model._default_manager.order_by("-pk").first()
    for pattern in model_admin.get_urls() if row else ():
        name = getattr(pattern, "name", None) or "study_"  # which the desk's table names
        if (
            isinstance(pattern, URLPattern)
            and len(pattern.pattern.converters) == 1
            and not name.startswith("study_")
        ):
            yield name, reverse(f"admin:{name}", args=[row.pk])


def lists_of(username: str) -> list[Found]:
    """The lists that somebody sees."""
    return [(address, address) for address in lists(User.objects.get(username=username))]


def exports(slug: str) -> list[Found]:
    """Everything below a study's report; of the figures the first."""
    return [
        (f"{pattern.name} {known.get('name', '')}".strip(), reverse(str(pattern.name), kwargs=known))
        for pattern in report_views
        if (known := _known(str(pattern.pattern), slug)) is not None
    ]


def _known(route: str, slug: str) -> dict[str, str] | None:
    """What an address of the report needs; None where it is of a figure and none is drawn."""
    known = {"slug": slug}
    if "name" in PARAMETER.findall(route):
        protocol = protocol_of(Study.objects.get(slug=slug))
        report = protocol and cached_report.report_of(cached_report.data_version(protocol, Population()))
        if not report or not report["figures"]:
            return None
        known["name"] = report["figures"][0]
    return known


def api(slugs: Sequence[str]) -> list[Found]:
    """Every view of the API, and of its lists the last page and some filters."""
    found: list[Found] = []
    for slug in slugs:
        for pattern in api_views:
            of_study = "slug" in PARAMETER.findall(str(pattern.pattern))
            if of_study or slug == slugs[0]:
                address = reverse(str(pattern.name), kwargs={"slug": slug} if of_study else {})
                found.append((f"{slug}: {pattern.name}", address))
        for name, queries in {
            "responses": (
                LAST,
                "task=rating",
                "column=Ours 1",
                "participant=p7",
                "stimulus=image-004",
                "page_size=1000",
            ),
            "participants": (LAST, "state=finished", "state=dropped"),
            "stimuli": (LAST,),
            "jobs": (LAST, "state=failed", "state=queued"),
        }.items():
            address = reverse(f"api-{name}", args=[slug])
            found += [(f"{slug}: api-{name}?{query}", f"{address}?{query}") for query in queries]
    return found
