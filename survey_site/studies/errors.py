"""The base of refusals that have several reasons.

ValueError
└── SeveralProblems
    ├── studies.states.StateForbids
    ├── stimuli.intake.ImagesRefused
    ├── stimuli.regions.RegionsRefused
    ├── stimuli.uploaded_maps.BadMaps
    ├── protocols.freeze.NotReady
    ├── protocols.study_file.layout.BadStudyFile
    └── reports.rehearsal.run.CannotRehearse
"""

from collections.abc import Sequence


class SeveralProblems(ValueError):
    """Refused whole. `problems` says line by line what must change; the text shows the first of them."""

    lead = ""
    joint = "\n"
    shown = 8

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        more = len(self.problems) - self.shown
        lines = [*self.problems[: self.shown], *([f"… and {more} more"] if more > 0 else [])]
        super().__init__(self.lead + self.joint.join(lines))
