"""Data quality: rules declared before the data and blind to the outcome (statistics.md, section 6).

No rule looks at whether answers are right: excluding by accuracy would bias a share upward.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from survey_site.statistics.data import APART, Trials
from survey_site.statistics.factor import BoolArray, IntArray
from survey_site.statistics.outcome import Outcome
from survey_site.statistics.plan import SIGNS, AnalysisPlan, QualityRules
from survey_site.statistics.report_types import ParticipantFlow, QualitySummary, RecruitedFlow

ATTENTION, FLAGGED, STRAIGHT, POSITION, SIGNED = (
    "attention_checks",
    "response_times",
    "straight_lining",
    "one_position",
    "signs",
)
STRAIGHT_MIN = 6
REASONS = (ATTENTION, FLAGGED, STRAIGHT, POSITION, SIGNED)


def flagged_trials(trials: Trials, rules: QualityRules) -> BoolArray:
    """Trials (N,) answered faster or slower than the rules allow; unknown times are never flagged."""
    low = rules.rt_min_ms if rules.rt_min_ms is not None else -np.inf
    high = rules.rt_max_ms if rules.rt_max_ms is not None else np.inf
    return np.asarray((trials.rt_ms < low) | (trials.rt_ms > high), np.bool_)


def position_threshold(m: int, trials: int, alpha: float = 0.001) -> int:
    """Smallest k for which some answer position is chosen ≥ k times with probability < ``alpha`` by guessing.

    Union bound over the m positions; ``trials + 1`` (never reached) where no count is that unlikely.
    """
    k = np.arange(trials + 2)
    return int(k[m * stats.binom.sf(k - 1, trials, 1 / m) < alpha][0])


def rule_violations(trials: Trials, rules: QualityRules, outcomes: Sequence[Outcome]) -> dict[str, set[str]]:
    """Participants against each rule, whatever the other rules say. Practice trials are no evidence.

    Signs are among the rules only where a study declares some.
    """
    shown = trials.select(~trials.practice & ~trials.further)
    real = shown.select(shown.check == 0)
    found = {
        ATTENTION: _failed_checks(shown, rules),
        FLAGGED: _flagged_share(real, rules),
        STRAIGHT: _straight_lining(real, rules, outcomes),
        POSITION: _one_position(real, rules),
    }
    labels = trials.participant.labels
    violations = {reason: {labels[c] for c in codes} for reason, codes in found.items()}
    if not rules.signs:
        return violations
    shown_by = signs(trials)
    return violations | {SIGNED: set().union(*(shown_by[sign] for sign in rules.signs))}


def signs(trials: Trials) -> dict[str, set[str]]:
    """Who shows each sign, as ``trials.signs`` tells of every participant; separated by ``|``."""
    people, first = np.unique(trials.participant.codes, return_index=True)
    shown: dict[str, set[str]] = {sign: set() for sign in SIGNS}
    for person, code in zip(people, trials.signs.codes[first], strict=True):
        for sign in trials.signs.labels[code].split("|") if code >= 0 else ():
            shown[sign].add(trials.participant.labels[person])
    return shown


def _size(trials: Trials) -> int:
    return len(trials.participant.labels)


def _failed_checks(trials: Trials, rules: QualityRules) -> IntArray:
    if rules.failed_checks is None:
        return np.empty(0, np.int64)
    failed = np.bincount(trials.participant.codes[trials.check == 2], minlength=_size(trials))
    return np.flatnonzero(failed >= rules.failed_checks)


def _flagged_share(trials: Trials, rules: QualityRules) -> IntArray:
    if rules.flagged_share is None:
        return np.empty(0, np.int64)
    n = np.bincount(trials.participant.codes, minlength=_size(trials))
    flagged = np.bincount(trials.participant.codes[flagged_trials(trials, rules)], minlength=_size(trials))
    return np.flatnonzero(flagged > rules.flagged_share * n)


def _straight_lining(trials: Trials, rules: QualityRules, outcomes: Sequence[Outcome]) -> IntArray:
    """Participants whose scores on a scale (six or more, of at least two methods) are all the same.

    Fewer equal scores happen by chance: three of three did to 3 % of simulated honest participants.
    """
    found = [np.empty(0, np.int64)]
    if rules.straight_lining:
        found += [_all_the_same(trials.of_task(o.task).answered()) for o in outcomes if o.kind == "mean"]
    return np.unique(np.concatenate(found))


def _all_the_same(answered: Trials) -> IntArray:
    size, who, methods = _size(answered), answered.participant.codes, len(answered.condition.labels) + 1
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(low, who, answered.value)
    np.maximum.at(high, who, answered.value)
    pairs = np.unique(who * methods + answered.condition.codes)
    several = np.bincount(pairs // methods, minlength=size) >= 2
    return np.flatnonzero((low == high) & several & (np.bincount(who, minlength=size) >= STRAIGHT_MIN))


def _one_position(trials: Trials, rules: QualityRules) -> IntArray:
    """Participants who chose one place of the pool improbably often. Needs one pool size per participant."""
    if rules.position_alpha is None:
        return np.empty(0, np.int64)
    m = trials.answered()
    m = m.select((m.answer_at >= 0) & (m.pool_size >= 2))
    size, places = _size(trials), int(m.pool_size.max(initial=0))
    if not places:
        return np.empty(0, np.int64)
    counts = np.bincount(m.participant.codes * places + m.answer_at, minlength=size * places)
    top, n = counts.reshape(size, places).max(1), counts.reshape(size, places).sum(1)
    pool = np.full(size, np.iinfo(np.int64).max)
    np.minimum.at(pool, m.participant.codes, m.pool_size)
    cache: dict[tuple[int, int], int] = {}
    out = []
    for code in np.flatnonzero(n):
        key = int(pool[code]), int(n[code])
        if key not in cache:
            cache[key] = position_threshold(*key, rules.position_alpha)
        if top[code] >= cache[key]:
            out.append(code)
    return np.array(out, np.int64)


def exclusions(trials: Trials, rules: QualityRules, outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Participant → first reason met, in the order of ``REASONS``."""
    first: dict[str, str] = {}
    violations = rule_violations(trials, rules, outcomes)
    for reason in REASONS:
        for name in sorted(violations.get(reason, ())):
            first.setdefault(name, reason)
    return first


def eligible(trials: Trials, plan: AnalysisPlan) -> Trials:
    """Trials that count before any quality exclusion: real, not practice, not apart, seen as the plan says."""
    apart = trials.exclusion.isin(APART)
    unseen = trials.seen.equals("no")
    if not plan.seen_unknown_counts:
        unseen |= trials.seen.equals("unknown") | (trials.seen.codes < 0)
    return trials.select(
        ~trials.practice & (trials.check == 0) & ~apart & ~unseen & (trials.column.codes >= 0)
    )


def analysed(trials: Trials, plan: AnalysisPlan, excluded: Iterable[str] = ()) -> Trials:
    """Eligible trials without those already marked excluded and without the ``excluded`` participants."""
    kept = eligible(trials, plan)
    return kept.select((kept.exclusion.codes < 0) & ~kept.participant.isin(excluded))


def all_exclusions(trials: Trials, plan: AnalysisPlan, outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Reasons by participant: those stored with the rows first, then the plan's rules.

    Participants who stand apart (bots, previews, withdrawn, surplus) are not judged.
    """
    not_apart = trials.select(~trials.exclusion.isin(APART))
    marked = not_apart.select(not_apart.exclusion.codes >= 0)
    people, first, counts = np.unique(marked.participant.codes, return_index=True, return_counts=True)
    trials_of = np.bincount(not_apart.participant.codes, minlength=_size(trials))
    whole = counts == trials_of[people]  # a single excluded trial does not exclude the person
    stored = {
        marked.participant.labels[person]: marked.exclusion.labels[marked.exclusion.codes[place]]
        for person, place in zip(people[whole], first[whole], strict=True)
    }
    return exclusions(not_apart, plan.rules, outcomes) | stored


def flow(
    trials: Trials, excluded: Mapping[str, str], participants: Iterable[Mapping[str, Any]] | None = None
) -> ParticipantFlow:
    """Flow of participants: started → consented → finished → excluded per reason → analysed.

    ``participants`` are rows of ``participants.csv`` (``participant``, ``kind``, ``consented``, ``finished``,
    ``surplus``, ``withdrawn``, ``screened_out``, ``dropped``); without them only what the trials show is counted and
    the rest is ``None``.
    """
    answered = trials.answered()
    apart = set(trials.select(trials.exclusion.isin(APART)).participant.present())
    in_data = set(answered.select(~answered.practice).participant.present()) - apart
    reasons: dict[str, int] = {}
    for name in in_data & set(excluded):
        reasons[excluded[name]] = reasons.get(excluded[name], 0) + 1
    result: ParticipantFlow = {
        "started": None, "consented": None, "finished": None, "apart": {}, "left": {},
        "with_answers": len(in_data), "excluded": dict(sorted(reasons.items())),
        "analysed": len(in_data - set(excluded)),
    }  # fmt: skip
    return result if participants is None else {**result, **_recruited(list(participants), len(in_data))}


def _recruited(rows: list[Mapping[str, Any]], with_answers: int) -> RecruitedFlow:
    def yes(row: Mapping[str, Any], name: str) -> bool:
        return str(row.get(name, "")).lower() not in ("", "0", "false", "no", "none")

    def counted(people: list[Mapping[str, Any]], reasons: Iterable[str], others: str) -> dict[str, int]:
        """How many of them by the first reason that holds; `others`: those of whom none does."""
        first = Counter(next((reason for reason in reasons if yes(row, reason)), others) for row in people)
        return {reason: first[reason] for reason in (*reasons, others) if first[reason]}

    persons = [r for r in rows if r.get("kind", "person") in ("person", "", None)]
    apart = {
        "bots": sum(r.get("kind") == "bot" for r in rows),
        "previews": sum(r.get("kind") == "preview" for r in rows),
        "withdrawn": sum(yes(r, "withdrawn") for r in persons),
        "surplus": sum(yes(r, "surplus") for r in persons),
    }
    consented = [r for r in persons if yes(r, "consented")]
    finished = [r for r in consented if yes(r, "finished")]
    surplus = sum(yes(r, "surplus") for r in finished)
    behind = {"surplus": surplus, "without_answers_that_count": len(finished) - surplus - with_answers}
    return {
        "started": len(persons),
        "consented": len(consented),
        "finished": len(finished),
        "apart": apart,
        "left": {
            "consented": counted(
                [r for r in persons if not yes(r, "consented")],
                ("screened_out", "withdrawn"),
                "did_not_consent",
            ),
            "finished": counted(
                [r for r in consented if not yes(r, "finished")],
                ("withdrawn", "screened_out", "dropped"),
                "did_not_finish",
            ),
            # Where the unfinished count as asked, more people have answers than finished.
            "with_answers": {reason: n for reason, n in behind.items() if n > 0},
        },
    }


def summary(trials: Trials, plan: AnalysisPlan, outcomes: Sequence[Outcome]) -> QualitySummary:
    """Counts for the page: rule by rule, response times, attention, missing answers."""
    if trials.further.any():
        trials = trials.select(~trials.further)
    counted = eligible(trials, plan)
    rt = counted.rt_ms[~np.isnan(counted.rt_ms)]
    checks = trials.check[~trials.practice & ~trials.exclusion.isin(APART)]
    judged = trials.select(~trials.exclusion.isin(APART))
    violations = rule_violations(judged, plan.rules, outcomes)
    return {
        "rules": {reason: len(names) for reason, names in violations.items()},
        "signs": {sign: len(people) for sign, people in signs(judged).items() if people},
        "thresholds": plan.to_mapping()["rules"],
        "trials": len(counted),
        "flagged_trials": int(flagged_trials(counted, plan.rules).sum()),
        "rt_known": len(rt),
        "rt_median_ms": float(np.median(rt)) if len(rt) else None,
        "missing": int(np.isnan(counted.value).sum()),
        "timeouts": int(counted.timeout.sum()),
        "checks_passed": int((checks == 1).sum()),
        "checks_failed": int((checks == 2).sum()),
        "checks_unknown": int((checks == 3).sum()),
        "seen_unknown": int(counted.seen.equals("unknown").sum()),
    }
