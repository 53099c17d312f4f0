"""Every page of the desk about one study, a row each: its name, button, right and view.

To add a page: its module below `pages`, its template, its row here, its line in docs/desk.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from survey_site.desk import steps
from survey_site.desk.pages import (
    amend,
    check,
    conditions,
    copying,
    ending,
    go_live,
    images,
    map_gallery,
    maps,
    models,
    monitor,
    notifications,
    observers,
    pools,
    power,
    preview,
    recruitment,
    recruitment_lists,
    rehearsal,
    simulation,
    texts,
    upload_maps,
)
from survey_site.desk.shell import View, of_study
from survey_site.studies.access import ROLES, Action, may_now
from survey_site.studies.models import Study

Title = str | Promise


@dataclass(frozen=True, slots=True)
class Part:
    """An address of a page beside its own: a fragment that is fetched alone, a picture, a page reached from it."""

    name: str
    view: View
    route: str = ""  # below the study; the name where nothing else is said


@dataclass(frozen=True, slots=True)
class Group:
    """Buttons that share one menu above a study's form."""

    title: Title
    icon: str


STEPS = Group(_("More"), "checklist")
SETTINGS = Group(_("Settings"), "tune")


@dataclass(frozen=True, slots=True)
class DeskPage:
    """`study_<name>` in the admin's name space, at `<study>/<name>/`, for who may do `right`; `view` gets the study.

    group: the menu of its button; None: a button of its own. button: whether there is one at all.
    in_archive: whether its posts are taken for an archived study too.
    """

    name: str
    title: Title
    icon: str
    right: Action
    view: View
    group: Group | None = None
    parts: tuple[Part, ...] = ()
    button: bool = True
    in_archive: bool = False

    @property
    def address(self) -> str:
        """Its name for `reverse`."""
        return f"{admin.site.name}:study_{self.name}"


PAGES = (
    DeskPage(
        "preview",
        _("Preview"),
        "visibility",
        "view",
        preview.choose,
        parts=(
            Part("preview-upcoming", preview.upcoming, "preview/upcoming/"),
            Part("preview-picture", preview.picture, "preview/picture/<str:token>"),
            Part("preview-page", preview.page, "preview/<slug:language>/<int:condition>/<int:place>/"),
        ),
        in_archive=True,
    ),
    DeskPage(
        "monitor",
        _("Monitor"),
        "monitoring",
        "view",
        monitor.monitor,
        parts=(Part("monitor-live", monitor.monitor_live), Part("simulation", simulation.simulate)),
        in_archive=True,
    ),
    DeskPage("images", _("Images"), "image", "edit", images.images, STEPS),
    DeskPage(
        "models",
        _("Own models"),
        "network_node",
        "edit",
        models.models,
        STEPS,
        parts=(
            Part("models-status", models.models_status),
            Part("models-picture", models.preview_picture, "models-picture/<int:own_model>/<int:place>.png"),
        ),
    ),
    DeskPage("conditions", _("Conditions"), "grid_on", "edit", conditions.conditions, STEPS),
    DeskPage("pools", _("Pools"), "dashboard", "edit", pools.pools, STEPS),
    DeskPage(
        "precompute",
        _("Maps"),
        "blur_on",
        "edit",
        maps.maps,
        STEPS,
        parts=(Part("precompute-status", maps.maps_status), Part("map-gallery", map_gallery.gallery)),
    ),
    DeskPage(
        "upload-maps", _("Maps made elsewhere"), "upload", "edit", upload_maps.upload_maps, button=False
    ),
    DeskPage(
        "texts",
        _("Texts"),
        "article",
        "edit",
        texts.edit,
        STEPS,
        parts=(Part("texts-shown", texts.shown, "texts/shown/"),),
    ),
    DeskPage(
        "check",
        _("Check"),
        "fact_check",
        "edit",
        check.check,
        STEPS,
        parts=(Part("power", power.power), Part("observers", observers.observers)),
    ),
    DeskPage(
        "live",
        _("Go live"),
        "rocket_launch",
        "edit",
        go_live.go_live,
        STEPS,
        parts=(Part("rehearsal", rehearsal.rehearse), Part("sealing", go_live.sealing_status)),
        in_archive=True,
    ),
    DeskPage("amend", _("Amend"), "edit_note", "edit", amend.amend, STEPS),
    DeskPage(
        "recruitment",
        _("Recruitment"),
        "group_add",
        "recruit",
        recruitment.recruitment,
        SETTINGS,
        parts=(
            Part("recruitment-links", recruitment_lists.links, "recruitment/links/"),
            Part("recruitment-excluded", recruitment_lists.excluded, "recruitment/excluded/"),
        ),
    ),
    DeskPage(
        "notifications", _("Notifications"), "notifications", "view", notifications.notifications, SETTINGS
    ),
    DeskPage(
        "copy",
        _("Copy"),
        "content_copy",
        "edit",
        copying.copy,
        SETTINGS,
        parts=(Part("file", copying.as_file, "study.yaml"),),
        in_archive=True,
    ),
    DeskPage("ending", _("Owner and end"), "inventory_2", "own", ending.ending, SETTINGS, in_archive=True),
)


def urls(admin_view: Callable[..., Any]) -> list[URLPattern]:
    """The addresses of all pages and their parts, below the studies' own."""
    return [
        path(
            f"<int:pk>/{part.route or f'{part.name}/'}",
            admin_view(of_study(page.right, part.view, refused_at="" if page.in_archive else page.address)),
            name=f"study_{part.name}",
        )
        for page in PAGES
        for part in (Part(page.name, page.view), *page.parts)
    ]


def buttons(request: HttpRequest, study: Study) -> list[dict[str, Any]]:
    """What stands above a study's form, as unfold draws it: only pages that the role opens.

    Who edits the study has the steps in the form itself; all of them beside the heading would leave it no room.
    """
    rights = {right for right in ROLES if may_now(request, right, study.pk)}
    beside = steps.TITLES if "edit" in rights else {}
    shown = [page for page in PAGES if page.button and page.right in rights and page.name not in beside]
    found = [_button(page, study) for page in shown if page.group is None]
    if "results" in rights:
        address = reverse("report", args=[study.slug])
        found.append({"title": _("Report"), "icon": "table_chart", "path": address})
    for group in (STEPS, SETTINGS):
        if items := [_button(page, study) for page in shown if page.group is group]:
            found.append({"title": group.title, "icon": group.icon, "items": items})
    return found


def _button(page: DeskPage, study: Study) -> dict[str, Any]:
    return {"title": page.title, "icon": page.icon, "path": reverse(page.address, args=[study.pk])}
