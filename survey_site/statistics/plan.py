"""The analysis plan: every choice of the report, fixed before the data. Standard library alone."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from saliency_worker import catalog
from survey_site.statistics.stopping import StoppingRule

# Below so many items a comparison that takes the images as a sample has little power.
FEW_ITEMS = 12
TWO_WAY_T = "two_way_t"
# What Holm corrects together: the columns of each measure, or those of all measures.
BY_MEASURE, TOGETHER = "by_measure", "together"


@dataclass(frozen=True)
class DoorRules:
    """What is decided when a participant finishes, before any code is shown. ``None``: no such rule.

    ``finish_min_s``: seconds from consent to the last answer, by the server's clock, of the fastest who counts.
    ``finish_fast_share``: largest share of counted answers that may be faster than ``rt_min_ms`` of `QualityRules`.
    """

    finish_min_s: float | None = None
    finish_fast_share: float | None = None

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> Self:
        """The rules among a protocol's exclusion rules. ValueError where one is no number of at least 0."""
        found = {f.name: data.get(f.name) for f in fields(cls)}
        wrong = [
            name
            for name, value in found.items()
            if value is not None
            and not (isinstance(value, int | float) and not isinstance(value, bool) and value >= 0)
        ]
        if wrong:
            raise ValueError(f"exclusion rules must be numbers of at least 0, or null: {', '.join(wrong)}")
        return cls(**found)


# What hints at a program in place of a person, or at pictures not well seen; docs/participants.md has the words.
SIGNS = (
    "webdriver", "untrusted", "no_action", "impossible_time", "hidden", "pasted", "small_pictures", "out_of_view",
)  # fmt: skip


@dataclass(frozen=True)
class QualityRules:
    """Thresholds of exclusion (proposals, editable before the freeze). ``None`` switches a rule off.

    Times in milliseconds. ``position_alpha``: a participant is excluded who chose one answer position so
    often that guessing would do so with a smaller probability than this (union bound over positions). ``signs``: who
    shows one of these in more than ``signs_share`` of the trials is excluded; none unless a study names them. A picture
    is small below ``picture_min_px`` CSS pixels.
    """

    rt_min_ms: float | None = 500.0
    rt_max_ms: float | None = 120_000.0
    flagged_share: float | None = 0.25
    failed_checks: int | None = 2
    straight_lining: bool = True
    position_alpha: float | None = 0.001
    signs: tuple[str, ...] = ()
    signs_share: float = 0.25
    picture_min_px: float = 160.0

    def __post_init__(self) -> None:
        if isinstance(self.signs, str) or not set(self.signs) <= set(SIGNS):
            raise ValueError(f"the exclusion rule signs is a list of these names: {', '.join(SIGNS)}")
        object.__setattr__(self, "signs", tuple(self.signs))
        wrong = [
            n
            for n, v in asdict(self).items()
            if n != "signs" and v is not None and not (isinstance(v, int | float) and v >= 0)
        ]
        wrong += [n for n in ("signs_share", "picture_min_px") if getattr(self, n) is None]
        if wrong:
            raise ValueError(f"exclusion rules must be numbers of at least 0, or null: {', '.join(wrong)}")

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> Self:
        """The rules from a protocol's JSON, those of the door left out; unknown keys are refused with their names."""
        if not isinstance(data, Mapping):
            raise ValueError('they must be names with values, such as {"failed_checks": 2}')
        ours, door = {f.name for f in fields(cls)}, {f.name for f in fields(DoorRules)}
        unknown = sorted(set(data) - ours - door)
        if unknown:
            raise ValueError(f"unknown exclusion rules: {', '.join(unknown)}")
        DoorRules.from_mapping(data)
        return cls(**{name: value for name, value in data.items() if name in ours})

    @classmethod
    def off(cls) -> Self:
        """No rule at all, as for data whose rows are a reconstruction."""
        return cls(None, None, None, None, False, None)


@dataclass(frozen=True)
class AnalysisPlan:
    """Choices of the analysis, part of the frozen protocol.

    ``columns`` gives the order of Table 1 (columns met in the data but not named here follow, sorted);
    ``controls`` are columns compared with but never part of the Holm families; ``edges_control`` is the
    control of edges alone, which a task may subtract. ``second_scores``: the tasks whose second score counts in
    place of the first. ``seen_unknown_counts``: trials of browsers without JavaScript count. ``confirmatory_test`` is what
    “significant” means, whatever the data turn out to be: there is one, the two-way clustered t-test. ``seed`` drives
    all resampling; ``resamples`` is B. ``margins``: by outcome, in its printed unit (points of percent, scale points), the
    difference from the reference below which a column counts as equivalent, or as not inferior. ``families``: what Holm
    corrects together. ``stopping``: what may end the study at one of the planned looks; none without it.
    """

    columns: tuple[str, ...] = ()
    reference: str = "Grad-CAMs"
    controls: tuple[str, ...] = ()
    edges_control: str | None = None
    second_scores: tuple[str, ...] = ()
    level: float = 0.95
    confirmatory_test: str = TWO_WAY_T
    seen_unknown_counts: bool = True
    rules: QualityRules = field(default_factory=QualityRules)
    seed: int = 20240512
    resamples: int = 9999
    model_rows_max: int = 50_000
    margins: Mapping[str, float] = field(default_factory=dict)
    families: str = BY_MEASURE
    stopping: StoppingRule | None = None

    def __post_init__(self) -> None:
        if not 0.5 <= self.level < 1:
            raise ValueError(f"level must be at least 0.5 and below 1, not {self.level!r}")
        if self.resamples < 99:
            raise ValueError("resamples must be at least 99")
        if not isinstance(self.margins, Mapping) or any(
            isinstance(m, bool) or not isinstance(m, int | float) or not m > 0 for m in self.margins.values()
        ):
            raise ValueError('margins are positive numbers by outcome, such as {"faith": 10}')
        if self.confirmatory_test != TWO_WAY_T:
            raise ValueError(f"the confirmatory test is {TWO_WAY_T}, not {self.confirmatory_test!r}")
        if self.families not in (BY_MEASURE, TOGETHER):
            raise ValueError(f"families are {BY_MEASURE} or {TOGETHER}, not {self.families!r}")
        if self.stopping and self.families == TOGETHER:
            raise ValueError(f"a stopping rule is about one measure: families must be {BY_MEASURE}")

    @property
    def alpha(self) -> float:
        """Size of the tests, 1 − level."""
        return 1 - self.level

    def to_mapping(self) -> dict[str, Any]:
        """Plain data for the protocol's JSON."""
        return asdict(self) | {"stopping": self.stopping.to_mapping() if self.stopping else None}

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> Self:
        """The plan from a protocol's JSON; unknown keys are refused with their names."""
        known = {f.name for f in fields(cls)}
        unknown = sorted(set(data) - known)
        if unknown:
            raise ValueError(f"unknown settings of the analysis plan: {', '.join(unknown)}")
        values = dict(data)
        for name in ("columns", "controls", "second_scores"):
            if name in values:
                values[name] = tuple(values[name])
        if isinstance(values.get("rules"), Mapping):
            values["rules"] = QualityRules.from_mapping(values["rules"])
        if values.get("stopping") is not None:
            values["stopping"] = StoppingRule.from_mapping(values["stopping"])
        try:
            return cls(**values)
        except TypeError as error:
            raise ValueError(f"the analysis plan has a value of the wrong kind: {error}") from None

    @classmethod
    def from_protocol(cls, document: Mapping[str, Any], second_scores: Iterable[str] = ()) -> Self:
        """The plan of a frozen protocol: columns, reference and controls from its conditions.

        ``second_scores``: the tasks whose settings in the document let the second score count. ``analysis_plan`` of the
        document overrides, ``exclusion_rules`` gives the thresholds.
        """
        conditions = sorted(document.get("conditions", ()), key=lambda c: c.get("column_order", 0))
        columns = list(dict.fromkeys(c["column"] for c in conditions))
        controls = {c["column"] for c in conditions if c.get("method") in catalog.CONTROLS}
        edges = [c["column"] for c in conditions if c.get("method") == "edges"]
        reference = [c["column"] for c in conditions if c.get("is_reference")] or columns
        design = document.get("design", {})
        values: dict[str, Any] = {
            "columns": columns,
            "controls": [c for c in columns if c in controls],
            "edges_control": edges[0] if edges else None,
            "second_scores": list(second_scores),
            "seen_unknown_counts": design.get("count_unknown_seen", True),
            "rules": document.get("exclusion_rules") or {},
        }
        if reference:
            values["reference"] = reference[0]
        return cls.from_mapping(values | dict(document.get("analysis_plan") or {}))
