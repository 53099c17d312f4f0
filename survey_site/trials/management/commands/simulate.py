"""`manage.py simulate STUDY --participants N --seed S [--url http://…]`."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.progress import track

from survey_site.studies.lookup import study_named
from survey_site.tasks.behaviour import Behaviour, Simulator
from survey_site.trials.signed_tokens import bot_token
from survey_site.trials.simulation.play import Played, play
from survey_site.trials.simulation.robot import InProcess, Remote, Site, UnexpectedPage


class Command(BaseCommand):
    help = "Lets simulated participants (bots, apart from all counts) play a study through its real pages."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", help="short name of the study")
        parser.add_argument("--participants", type=int, default=10)
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--drop-out", type=float, default=None, help="share who leave early, 0..1")
        parser.add_argument(
            "--url", default="", help="address of a running site; without it no server is needed"
        )
        parser.add_argument(
            "--print-token",
            action="store_true",
            help="only print what other programs put behind ?bot= of the start link; it works for ten minutes",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        study = study_named(options["study"])
        if not study.is_open:
            raise CommandError(f"The study is {study.get_state_display().lower()}; go live first.")
        if options["print_token"]:
            self.stdout.write(bot_token(study.slug))
            return
        if options["participants"] < 1:
            raise CommandError("--participants must be at least 1.")
        simulator = Simulator(self.behaviour(options["drop_out"]), str(options["seed"]))
        try:
            played = [
                play(self.site(options["url"]), study, simulator, index)
                for index in track(range(options["participants"]), "Playing", disable=not sys.stderr.isatty())
            ]
        except (UnexpectedPage, OSError, ValueError) as error:
            raise CommandError(f"{error}") from error
        self.stdout.write(summary(played))

    def behaviour(self, drop_out: float | None) -> Behaviour:
        if drop_out is None:
            return Behaviour()
        if not 0 <= drop_out <= 1:
            raise CommandError("--drop-out is a share between 0 and 1.")
        return Behaviour(drop_out=drop_out)

    def site(self, url: str) -> Site:
        return Remote(url) if url else InProcess()


def summary(played: list[Played]) -> str:
    """One line on how the participants fared."""
    finished = sum(one.finished for one in played)
    answers = sum(one.answers for one in played)
    return f"{len(played)} simulated participants: {finished} finished, {len(played) - finished} left; {answers} answers."
