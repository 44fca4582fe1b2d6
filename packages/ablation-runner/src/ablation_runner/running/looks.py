"""Looks at the test results of a study's claims while seeds are added: which arms need another one, and each verdict.

Every command takes all looks anew, in order, from the files alone, so it comes to the same plan as any other: a claim
keeps the look that stopped it, whatever its arms were trained for later.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import ablation_stats as stats
from ablation_runner.plan import PlannedArm, SeedsNeeded, Trial
from ablation_runner.report import scale_of
from ablation_runner.scores.paired_scores import PairedScores
from ablation_runner.scores.stats_claims import stats_claim
from ablation_runner.storage.lock import ALPHA, claim_hash, read_lock
from ablation_runner.storage.store import RunFolder
from ablation_runner.study import Claim, SeedsAsNeeded, Study


def take_looks(
    study: Study, folder: RunFolder, arms: Sequence[PlannedArm], trials: Sequence[Trial]
) -> SeedsNeeded:
    """All looks that the finished trials allow.

    Args:
        study: one that adds seeds as needed.
        folder: where it runs.
        arms: its arms, the baseline first.
        trials: of every arm under every seed that it may come to.

    Raises:
        StudyError: a finished trial's predictions cannot be read.
        ValueError: the study's seeds are a list.
    """
    rule = study.seeds_as_needed
    if rule is None:
        raise ValueError(f"looks belong to seeds as needed, got the seeds {study.seeds}")
    scores = PairedScores(study, folder, trials)
    lock = read_lock(folder)
    claims = {claim_hash(claim, study.seeds): claim for claim in study.claims}
    locked = frozenset(set(lock["claims"]) & set(claims) if lock else claims)
    verdicts: dict[str, stats.SequentialVerdict] = {}
    for names, total in (
        (locked, len(lock["claims"]) if lock else len(claims)),
        (set(claims) - locked, len(claims)),
    ):
        family = {name: claim for name, claim in claims.items() if name in names}
        verdicts |= _judged(study, rule, family, total, scores, arms)
    adding = [found for name, found in verdicts.items() if name in locked]
    return SeedsNeeded(seeds=_seeds(rule, arms, adding, scores), verdicts=verdicts, locked=locked)


def _judged(
    study: Study,
    rule: SeedsAsNeeded,
    claims: Mapping[str, Claim],
    total: int,
    scores: PairedScores,
    arms: Sequence[PlannedArm],
) -> dict[str, stats.SequentialVerdict]:
    """The verdict on each claim whose arms can be compared.

    Each has its share of the error among `total` claims, also where one cannot be judged or was taken out after the lock,
    so that the boundaries are the same at every look.
    """
    asked = {name: stats_claim(claim, arms[0].name) for name, claim in claims.items()}
    pairs = {
        name: partial(scores.pair, question_type=claims[name].type)
        for name, claim in asked.items()
        if not scores.share_a_seed(claim.arm, claim.baseline)
        or scores.pair(claim.arm, claim.baseline, question_type=claims[name].type) is not None
    }
    if not pairs:
        return {}
    found = stats.judge_sequential(
        [asked[name] for name in pairs],
        list(pairs.values()),
        looks=rule.looks,
        spending=rule.spending,
        control=next((arm.name for arm in arms if arm.is_blind), None),
        not_converged=scores.not_converged(),
        alpha=ALPHA * len(pairs) / total,
        unit=scale_of(study.metric).in_sentences,
    )
    return dict(zip(pairs, found, strict=True))


def _seeds(
    rule: SeedsAsNeeded,
    arms: Sequence[PlannedArm],
    verdicts: Iterable[stats.SequentialVerdict],
    scores: PairedScores,
) -> Mapping[str, int]:
    """Of each arm the most that a claim about it needs, and of the blind control what the claims' gates need."""
    needed, blind = {arm.name: rule.min for arm in arms}, [arm.name for arm in arms if arm.is_blind]
    for found in verdicts:
        claim = found.verdict.claim
        for arm in (scores.arm_of(claim.arm), scores.arm_of(claim.baseline)):
            needed[arm] = max(needed[arm], found.needs)
        for arm in blind:
            needed[arm] = max(needed[arm], found.control_needs)
    return needed


def may_add_seeds(study: Study, needed: SeedsNeeded | None, claim: Claim) -> bool:
    """Whether a claim is open after the looks so far; before the first, every one is."""
    name = claim_hash(claim, study.seeds)
    if needed is None:
        return True
    return name in needed.locked and name in needed.verdicts and not needed.verdicts[name].stop
