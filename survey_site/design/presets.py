"""Protocol presets: complete designs to start from, as plain data.

A preset fills the draft of a study; everything stays editable until the freeze. docs/study-design.md says
why the numbers are what they are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from saliency_worker import catalog

REFERENCE = "Grad-CAMs"


@dataclass(frozen=True, slots=True)
class PresetColumn:
    """A Table-1 column: `keys` are method keys of the catalogue, each a variant per classifier."""

    name: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PresetCondition:
    """One condition as the study stores it; `base` and `method` together are the method key."""

    column: str
    column_order: int
    classifier: str
    base: str
    method: str
    is_reference: bool


@dataclass(frozen=True, slots=True)
class Preset:
    """Design choices of a study. tasks: settings by task, for those that differ from the task's defaults."""

    key: str
    title: str
    description: str
    columns: tuple[PresetColumn, ...]
    classifiers: tuple[str, ...]
    participants: int
    tasks: Mapping[str, Mapping[str, Any]]
    practice_trials: int = 1
    attention_checks: int = 3
    replicates_paper: bool = False

    def conditions(self) -> Iterator[PresetCondition]:
        """Every condition, column by column; a control is the same for all bases and listed once."""
        for order, column in enumerate(self.columns):
            for classifier in self.classifiers:
                for key in column.keys:
                    base, method = catalog.split_key(key)
                    if base in catalog.CONTROLS:
                        base, method = "", base
                    reference = column.name == REFERENCE
                    yield PresetCondition(column.name, order, classifier, base, method, reference)


def _columns(bases: tuple[str, ...]) -> tuple[PresetColumn, ...]:
    """The six columns of Table 1, each pooling these bases."""
    bare = PresetColumn(REFERENCE, bases)
    ours = (
        PresetColumn(f"Ours {number}", tuple(catalog.join_key(base, combination) for base in bases))
        for combination, number in catalog.OURS.items()
    )
    return (bare, *ours)


def _both(matching: int, rating: int) -> dict[str, dict[str, Any]]:
    """Both tasks of the paper, with so many trials per column."""
    pools = {"pool_size": 4, "pool_strategy": "one_per_class"}
    return {
        "matching": {"trials_per_column": matching, **pools},
        "rating": {"trials_per_column": rating},
    }


DEMO_TASKS: Mapping[str, Mapping[str, Any]] = {
    "matching": {"trials_per_column": 1, "pool_size": 3},
    "rating": {"trials_per_column": 1},
}
"""Of the study that `make demo` shows: short, and few pictures."""

_CONTROLS = tuple(
    PresetColumn(catalog.label(control), (control,)) for control in ("edges", "randomcam", "original")
)
_FAMILIES = tuple(PresetColumn(catalog.label(key), (key,)) for key in ("ig", "rise", "layercam"))
_ALL_CLASSIFIERS = tuple(name for name in catalog.CLASSIFIERS if name != "demo-cnn")

PRESETS: dict[str, Preset] = {
    preset.key: preset
    for preset in (
        Preset(
            key="feature-cam-table-1",
            title="Feature CAM, Table 1",
            description=(
                "The published study: 25 participants, six columns, one matching trial and four ratings per "
                "column. Pool size 4 is an assumption, the paper does not state it. One matching trial per "
                "column tells large effects only."
            ),
            columns=_columns(catalog.GRADIENT_BASES),
            classifiers=("VGG16",),
            participants=25,
            tasks=_both(1, 4),
            attention_checks=0,
            replicates_paper=True,
        ),
        Preset(
            key="feature-cam-full",
            title="Feature CAM, full",
            description=(
                "Nine classifiers × three bases in each of the six columns, four matching trials per column: "
                "54 participants give every one of the 27 conditions of a column 8 matching answers."
            ),
            columns=_columns(catalog.GRADIENT_BASES),
            classifiers=_ALL_CLASSIFIERS[:9],
            participants=54,
            tasks=_both(4, 4),
        ),
        Preset(
            key="pilot",
            title="Pilot",
            description=(
                "Six participants, one base, one trial of each kind per column: to try the texts and to "
                "measure how long people take. Its answers are never analysed."
            ),
            columns=_columns(("gradcampp",)),
            classifiers=("MobileNetV2",),
            participants=6,
            tasks=_both(1, 1),
        ),
        Preset(
            key="controls",
            title="Controls",
            description=(
                "The six columns beside edges only, a network of random weights, and the original itself: how "
                "much of Human Faith comes from the edges alone, and how much people could get at most."
            ),
            columns=(*_columns(("gradcampp",)), *_CONTROLS),
            classifiers=("MobileNetV2",),
            participants=36,
            tasks=_both(2, 2),
        ),
        Preset(
            key="papers-families",
            title="The paper's families",
            description=(
                "The six columns beside one method of each family that the paper's related work names, by what "
                "they look at: backpropagation, perturbation, activations. Do people understand Feature CAM "
                "better than those, or better than Grad-CAM alone?"
            ),
            columns=(*_columns(("gradcampp",)), *_FAMILIES),
            classifiers=("MobileNetV2",),
            participants=36,
            tasks=_both(2, 2),
        ),
        Preset(
            key="hive-agreement",
            title="HIVE, error detection",
            description=(
                "The published design of Kim et al. (2022): 50 people judge 10 predictions each, 5 right and 5 wrong, by "
                "Grad-CAM. Give it 10 images, or more of which each person sees 10. Their Grad-CAM: 70.8 % of the right and "
                "44.8 % of the wrong predictions judged rightly (ImageNet)."
            ),
            columns=(PresetColumn(REFERENCE, ("gradcam",)),),
            classifiers=("ResNet50",),
            participants=50,
            tasks={"agreement": {"trials_per_column": 10}},
            attention_checks=0,
        ),
        Preset(
            key="does-it-help",
            title="Does it help?",
            description=(
                "Matching, rating, agreement and distinction in one session of about 20 minutes, for three methods and two "
                "controls: do people recover the picture, like the map, find the network's mistakes, and foresee what it "
                "says? Half of the predictions shown in the agreement task are wrong."
            ),
            columns=(
                PresetColumn(REFERENCE, ("gradcam",)),
                PresetColumn("Ours 1", (catalog.join_key("gradcam", "add-edges"),)),
                PresetColumn("Ours 5", (catalog.join_key("gradcam", "comp-blend11"),)),
                *_CONTROLS[:2],
            ),
            classifiers=("ResNet50",),
            participants=40,
            tasks=_both(3, 3)
            | {"distinction": {"trials_per_column": 4}, "agreement": {"trials_per_column": 6}},
        ),
    )
}
