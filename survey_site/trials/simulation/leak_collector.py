"""Collects, for the leak audit, everything a browser receives in a trial, the pictures' pixels left out."""

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser

from survey_site.studies.models import Study
from survey_site.tasks import registry
from survey_site.tasks.behaviour import Behaviour, Simulator
from survey_site.tasks.contract import Truth
from survey_site.trials.frozen_protocol import frozen_protocol
from survey_site.trials.models import Trial
from survey_site.trials.simulation.leak_classifiers import Value
from survey_site.trials.simulation.leaks import Observation
from survey_site.trials.simulation.play import play
from survey_site.trials.simulation.robot import Page, Received, Site

# What differs from one reply to the next by itself; their names and lengths are compared all the same.
ALWAYS_NEW = {"date", "set-cookie", "x-request-id"}
# Values made anew for every page: addresses, keys and tokens. Their lengths stay.
OPAQUE = re.compile(r"""(?P<name>src|value|action|href)="(?P<value>[^"]{16,})\"""")


@dataclass(frozen=True, slots=True)
class Image:
    """An `img` of a trial page: its part in the trial, and all its attributes."""

    role: str
    attributes: dict[str, str]


class Images(HTMLParser):
    """The pictures of a page in the order of the document."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[Image] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "img" and values.get("data-role") in ("map", "option"):
            self.found.append(Image(values["data-role"], values))


class Collector:
    """Fetches the pictures of each trial as a browser would and notes what came with them."""

    def __init__(self, site: Site, participant: str) -> None:
        self._site, self._participant = site, participant
        self.observations: list[Observation] = []

    def watch(self, page: Page, trial: Trial) -> None:
        """One trial page: its text, its structure, and every picture's address, headers, size and time."""
        if trial.block == Trial.PRACTICE or trial.condition is None:
            return  # practice and checks tell the answer on purpose
        images = Images(page.html).found
        received = [(image, self._site.fetch(image.attributes["src"])) for image in images]
        shown = [
            facts(image, reply, place) for place, (image, reply) in enumerate(received) if image.role == "map"
        ]
        options = [facts(i, r, place) for place, (i, r) in enumerate(received) if i.role == "option"]
        task, truth = registry.task(trial.task), self._truth(trial)
        # A label is shown on purpose, and belongs to the image: it tells whatever the image tells.
        plain = page.html.replace(escape(truth.label), "") if truth.label else page.html
        structure = OPAQUE.sub(lambda match: f'{match["name"]}="{len(match["value"])}"', plain)
        numbers = re.sub(r"\d+", "#", structure)
        self.observations.append(
            Observation(
                participant=self._participant,
                method=trial.condition.column,
                page={
                    "task": trial.task,
                    "position": trial.position,
                    "length": len(plain),
                    "structure": str(hash_of(numbers)),
                    "pictures": len(images),
                },
                shown=shown[0] if len(shown) == 1 else {},
                options=tuple(shown if len(shown) > 1 else options),
                answer=task.answer_place(truth),
                secret=task.secret(truth),
            )
        )

    def _truth(self, trial: Trial) -> Truth:
        key, frozen = trial.stimulus.key, frozen_protocol(trial.participant.protocol_id)
        return Truth(
            key,
            tuple(frozen.stimulus_keys[stimulus] for stimulus in trial.pool),
            classes=frozen.classes,
            first=trial.first,
            label=frozen.label(trial.stimulus_id, trial.condition.classifier if trial.condition else ""),
        )


def facts(image: Image, reply: Received, place: int) -> dict[str, Value]:
    """What a picture tells besides its pixels: address, attributes, headers, bytes, milliseconds, order."""
    headers = {name.lower(): value for name, value in reply.headers.items()}
    source = image.attributes["src"]
    found: dict[str, Value] = {
        "address": source,
        "address length": len(source),
        "status": reply.status,
        "bytes": len(reply.body),
        "milliseconds": reply.seconds * 1000,
        "header names": " ".join(sorted(headers)),
        "head of the file": reply.body[:33].hex(),
    }
    for name, value in headers.items():
        found[f"header {name}"] = len(value) if name in ALWAYS_NEW else value
    for name, value in image.attributes.items():
        if name not in ("src", "alt"):
            found[f"attribute {name}"] = value
    found["alternative text"] = re.sub(r"\d+", "#", image.attributes.get("alt", ""))
    if image.role == "map":
        found["place in the document"] = place
    return found


def hash_of(text: str) -> int:
    """A stable number for a text, so that equal structures are equal tokens."""
    return zlib.crc32(text.encode())


def collect(site_of: Callable[[], Site], study: Study, participants: int, seed: int) -> list[Observation]:
    """Plays bots through the study and returns what they received. `site_of()` makes a fresh browser for each."""
    simulator = Simulator(Behaviour(drop_out=0), str(seed))
    observations: list[Observation] = []
    for index in range(participants):
        site = site_of()
        collector = Collector(site, f"bot {index}")
        play(site, study, simulator, index, collector.watch)
        observations += collector.observations
    return observations
