"""From a study's rows to the protocol's document, and from a document to the plain design of an assignment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from survey_site.stimuli.models import Stimulus, StimulusFeatures
from survey_site.studies import pools
from survey_site.studies.models import Condition, Protocol, Study
from survey_site.trials.assignment import Design, DesignError

SETTINGS = (
    "pool_size",
    "pool_strategy",
    "matching_trials_per_column",
    "rating_trials_per_column",
    "practice_trials",
    "attention_checks",
    "offer_cant_tell",
    "trial_timeout_s",
    "headline",
    "count_unknown_seen",
    "target_participants",
    "lease_minutes",
    "resume_days",
    "image_px",
    "colour_map",
    "edges",
    "seed",
)


@dataclass(frozen=True)
class Reserve:
    """How reserve images serve practice and attention checks (stimulus keys)."""

    practice_pools: tuple[tuple[str, ...], ...] = ()
    practice_ratings: tuple[str, ...] = ()
    check_pools: tuple[tuple[str, ...], ...] = ()
    check_ratings: tuple[str, ...] = ()


def columns(conditions: Sequence[Condition]) -> list[tuple[str, list[Condition]]]:
    """Table-1 columns in order, each with its conditions in order."""
    grouped: dict[str, list[Condition]] = {}
    for condition in conditions:
        grouped.setdefault(condition.column, []).append(condition)
    return list(grouped.items())


def share_reserve(
    keys: Sequence[str], *, pool_size: int, practice: int, checks: int, matching: bool, rating: bool
) -> Reserve:
    """Deals the reserve images out; raises DesignError with the number of images that are missing.

    Checks alternate: an instructed rating needs one image, a repeated original a pool of them. The images of
    a practice pool are rated in the practice of the rating task too.
    """
    practice_pools = practice if matching else 0
    check_ratings = (checks + 1) // 2 if rating and matching else checks if rating else 0
    check_pools = checks - check_ratings
    loose = check_ratings + (practice if rating and not matching else 0)
    needed = pool_size * (practice_pools + check_pools) + loose
    if practice_pools and rating and practice > pool_size * practice_pools:
        needed += practice - pool_size * practice_pools
    if len(keys) < needed:
        raise DesignError(
            f"Practice and attention checks need {needed} reserve images, there are {len(keys)}: "
            f"mark {needed - len(keys)} more as reserve, or ask for fewer."
        )
    rest = list(keys)

    def take(count: int) -> tuple[str, ...]:
        taken, rest[:] = tuple(rest[:count]), rest[count:]
        return taken

    pools_of_practice = tuple(take(pool_size) for _ in range(practice_pools))
    pools_of_checks = tuple(take(pool_size) for _ in range(check_pools))
    rated_checks = take(check_ratings)
    practised = [key for pool in pools_of_practice for key in pool] or list(take(practice))
    return Reserve(
        pools_of_practice, tuple(practised[:practice]) if rating else (), pools_of_checks, rated_checks
    )


def make_pools(study: Study, stimuli: Sequence[Stimulus]) -> list[dict[str, Any]]:
    """The partition of the main stimuli that the chosen strategy gives: [{"stimuli": keys, "similarity"}]."""
    if not study.matching_trials_per_column:
        return []
    features = dict(
        StimulusFeatures.objects.filter(stimulus__study=study)
        .order_by("-classifier")
        .values_list("stimulus__key", "vector")
    )
    candidates = [
        pools.Candidate(s.key, s.stimulus_class, tuple(features[s.key]) if s.key in features else None)
        for s in stimuli
    ]
    made = pools.partition(
        candidates,
        strategy=study.pool_strategy,  # type: ignore[arg-type]
        size=study.pool_size,
        count=pool_count(study, [c.label for c in candidates]),
        seed=str(study.seed),
        fixed=study.fixed_pools,
    )
    return [{"stimuli": list(pool.stimuli), "similarity": pool.similarity} for pool in made]


def pool_count(study: Study, labels: Sequence[str]) -> int:
    """As many pools as the images give, at least one for each matching trial of a participant."""
    columns = {condition.column for condition in study.conditions.all()}
    trials: int = study.matching_trials_per_column * len(columns)
    if study.pool_strategy == Study.PoolStrategy.FIXED:
        return max(trials, len(study.fixed_pools))
    most = len(labels) // study.pool_size
    for count in range(most, trials, -1):
        if not pools.missing_images(
            labels,
            strategy=study.pool_strategy,  # type: ignore[arg-type]
            size=study.pool_size,
            count=count,
        ):
            return count
    return trials


def document(study: Study, *, image_px: int, texts: dict[str, dict[str, str]]) -> dict[str, Any]:
    """The protocol of a study as JSON-able data; the same study gives the same document."""
    stimuli = list(study.stimuli.order_by("key"))
    main = [s for s in stimuli if s.role == Stimulus.Role.MAIN]
    settings = {name: getattr(study, name) for name in SETTINGS} | {"image_px": image_px}
    return {
        "format": 1,
        "study": {"slug": study.slug, "title": study.title},
        "design": settings,
        "conditions": [
            {
                "column": c.column,
                "column_order": c.column_order,
                "classifier": c.classifier,
                "base": c.base,
                "method": c.method,
                "is_reference": c.is_reference,
            }
            for c in study.conditions.all()
        ],
        "stimuli": [
            {
                "key": s.key,
                "class": s.stimulus_class,
                "role": s.role,
                "sha256": s.sha256,
                "width": s.width,
                "height": s.height,
            }
            for s in stimuli
        ],
        "maps": map_entries(study),
        "pools": make_pools(study, main),
        "rating": [s.key for s in main] if study.rating_trials_per_column else [],
        "reserve": [s.key for s in stimuli if s.role == Stimulus.Role.RESERVE],
        "texts": texts,
        "exclusion_rules": study.exclusion_rules,
        "analysis_plan": study.analysis_plan,
    }


def map_entries(study: Study) -> list[dict[str, Any]]:
    """The maps that the study's conditions show, each with its hashes."""
    from survey_site.studies.served import maps_shown

    return [
        {
            "stimulus": m.stimulus.key,
            "classifier": m.classifier,
            "method": m.method,
            "array_sha256": m.array_sha256,
            "picture_sha256": next(p.sha256 for p in m.pictures.all() if p.colour_map == study.colour_map),
            "parameters_hash": m.parameters_hash,
        }
        for m in maps_shown(study)
    ]


def design_of_document(
    doc: dict[str, Any], condition_ids: dict[tuple[str, str, str, str], int] | None = None
) -> Design:
    """The plain design of a protocol's document. Conditions are row ids where given, else their positions."""
    grouped: dict[str, list[int]] = {}
    for position, entry in enumerate(doc["conditions"]):
        identity = (entry["column"], entry["classifier"], entry["base"], entry["method"])
        grouped.setdefault(entry["column"], []).append(condition_ids[identity] if condition_ids else position)
    settings = doc["design"]
    reserve = share_reserve(
        doc["reserve"],
        pool_size=settings["pool_size"],
        practice=settings["practice_trials"],
        checks=settings["attention_checks"],
        matching=bool(doc["pools"]),
        rating=bool(doc["rating"]),
    )
    return Design(
        seed=str(settings["seed"]),
        columns=tuple(tuple(ids) for ids in grouped.values()),
        pools=tuple(tuple(pool["stimuli"]) for pool in doc["pools"]),
        rating=tuple(doc["rating"]),
        matching_trials=settings["matching_trials_per_column"] * len(grouped) if doc["pools"] else 0,
        rating_trials=settings["rating_trials_per_column"] * len(grouped),
        practice_pools=reserve.practice_pools,
        practice_ratings=reserve.practice_ratings,
        check_pools=reserve.check_pools,
        check_ratings=reserve.check_ratings,
    )


def design_of(protocol: Protocol) -> Design:
    """The design that a sealed protocol's tickets are planned from; conditions are row ids, stimuli keys."""
    ids = {
        (c.column, c.classifier, c.base, c.method): c.pk
        for c in Condition.objects.filter(study_id=protocol.study_id)
    }
    return design_of_document(protocol.document, ids)
