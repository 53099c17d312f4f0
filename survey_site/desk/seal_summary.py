"""What going live seals, in words: the confirmation beside the button."""

from collections import Counter
from typing import Any

from django.utils.translation import gettext as _

from survey_site.desk import plan_fields, stopping_fields
from survey_site.studies.languages import LANGUAGES
from survey_site.tasks import registry


def lines(document: dict[str, Any]) -> list[tuple[str, str]]:
    """(what, how it is sealed) of the parts of a document."""
    roles = Counter(stimulus["role"] for stimulus in document["stimuli"])
    columns = list(dict.fromkeys(condition["column"] for condition in document["conditions"]))
    networks = sorted({condition["classifier"] for condition in document["conditions"]} - {""})
    titles = [registry.task(name).title for name in document["tasks"]]
    languages = [LANGUAGES[code].name if code in LANGUAGES else code for code in document["texts"]]
    declared = plan_fields.sentences(document["exclusion_rules"], document["analysis_plan"])
    declared += stopping_fields.sentences(document["analysis_plan"])
    return [
        (
            _("Images"),
            _(
                "%(main)d for counted trials, %(reserve)d for practice and checks; which of them stand together"
            )
            % {"main": roles["main"], "reserve": roles["reserve"]},
        ),
        (_("Columns"), f"{len(columns)}: {', '.join(columns)}"),
        (_("Conditions"), f"{len(document['conditions'])} ({', '.join(networks)})"),
        (_("Maps"), _("%(n)d, each under its hash") % {"n": len(document["maps"])}),
        (_("Tasks"), ", ".join(titles)),
        (_("Texts"), ", ".join(languages)),
        (_("Participants"), str(document["design"]["target_participants"])),
        (_("What counts"), " ".join(declared)),
    ]
