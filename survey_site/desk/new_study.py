"""Making a study by three questions: what it is called, which design it starts from, and its images."""

from collections.abc import Collection, Iterable
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from saliency_worker import catalog
from survey_site.design.presets import PRESETS, Preset
from survey_site.desk.pages.conditions import apply_preset
from survey_site.desk.uploads import ImagesForm, ManyFilesField, ManyFilesWidget
from survey_site.stimuli.intake import Intake
from survey_site.stimuli.models import Stimulus
from survey_site.stimuli.weights import told_names
from survey_site.studies.models import Study

LONGEST_NAME = 50  # of a short name
EMPTY = "empty"


class NewStudyForm(ImagesForm):
    """The three questions; short name and network are there to change, and need not be."""

    title = forms.CharField(
        label=gettext_lazy("What is the study called?"),
        max_length=200,
        help_text=gettext_lazy("Participants see it."),
        widget=UnfoldAdminTextInputWidget(attrs={"autofocus": True}),
    )
    preset = forms.ChoiceField(
        label=gettext_lazy("Which design does it start from?"),
        required=False,  # a program that names none makes an empty study
        widget=forms.RadioSelect,
        initial="pilot",
    )
    pictures = ManyFilesField(
        label=gettext_lazy("Which images?"),
        required=False,
        help_text=gettext_lazy("Images, or a zip whose folders are classes. They can be added later, too."),
        widget=ManyFilesWidget(attrs={"accept": "image/*,.zip"}),
    )
    classifier = forms.ChoiceField(
        label=gettext_lazy("Network whose maps are shown"), required=False, widget=UnfoldAdminSelectWidget
    )
    slug = forms.SlugField(
        label=gettext_lazy("Short name"),
        required=False,
        max_length=LONGEST_NAME,
        help_text=gettext_lazy("Part of the participants' link, /s/NAME/; empty: made of the title."),
        widget=UnfoldAdminTextInputWidget,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["preset"].choices = [  # type: ignore[attr-defined]
            *((preset.key, preset.title) for preset in PRESETS.values()),
            (EMPTY, _("None: choose conditions and numbers yourself")),
        ]
        self.fields["classifier"].choices = [  # type: ignore[attr-defined]
            ("", _("as in the design")),
            *told_names(catalog.CLASSIFIERS),
        ]

    def clean_title(self) -> str:
        title: str = self.cleaned_data["title"]
        if "\0" in title:
            raise forms.ValidationError(_("This title cannot be stored; write it anew."))
        return title

    def clean_slug(self) -> str:
        name: str = self.cleaned_data["slug"]
        if name and Study.objects.filter(slug=name).exists():
            raise forms.ValidationError(_("There is a study of this short name; choose another one."))
        return name

    def make(self, owner: User) -> tuple[Study, Intake] | None:
        """The study with its design and images, or nothing at all: None where the images are refused."""
        wanted = self.cleaned_data
        with transaction.atomic():
            taken = set(Study.objects.values_list("slug", flat=True))
            name = wanted["slug"] or free_name(wanted["title"], taken)
            study = Study.objects.create(title=wanted["title"], slug=name, owner=owner)
            if preset := PRESETS.get(wanted["preset"]):
                apply_preset(study, preset, [wanted["classifier"]])
            intake = self.take(study, Stimulus.Role.MAIN) if wanted["pictures"] else Intake()
            if intake is None:
                transaction.set_rollback(True)
                return None
        return study, intake


def free_name(title: str, taken: Iterable[str]) -> str:
    """A short name made of a title, that no other study has."""
    stem, names = slugify(title)[: LONGEST_NAME - 4].strip("-") or "study", set(taken)
    name, number = stem, 2
    while name in names:
        name, number = f"{stem}-{number}", number + 1
    return name


def in_words(preset: Preset, lacking: Collection[str]) -> str:
    """The numbers of a design, as its card says them. lacking: classifiers whose weights were not found."""
    networks = ", ".join(preset.classifiers)
    if missing := [name for name in preset.classifiers if name in lacking]:
        networks += " · " + _("weights not found here: %s") % ", ".join(missing)
    return _(
        "%(participants)d participants · %(columns)d columns, %(conditions)d conditions · %(practice)d practice trial per "
        "task · %(checks)d attention checks · %(networks)s"
    ) % {
        "participants": preset.participants,
        "columns": len(preset.columns),
        "conditions": len(list(preset.conditions())),
        "practice": preset.practice_trials,
        "checks": preset.attention_checks,
        "networks": networks,
    }
