"""Simulated studies in which the truth is known, judged as any study is: how often this package is right."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ablation_stats._claim import Claim
from ablation_stats._confound import confound_report
from ablation_stats._contrast import arm_contrast
from ablation_stats._cube import PairedCube
from ablation_stats._evidence import weigh
from ablation_stats._judge import judge
from ablation_stats._plan import plan
from ablation_stats._planted_study import ITEMS, SEEDS, SPREAD, drawn_study
from ablation_stats._refuse import require_known
from ablation_stats._reporting import selective_reporting

ALPHA, POWER = 0.05, 0.8
JUDGES = ("judge", "naive")
Right = Callable[[np.random.Generator, str], bool]


def judged_rightly(
    truth: str, *, studies: int, rng: np.random.Generator, judged_by: str = "judge"
) -> NDArray[np.bool_]:
    """Of simulated studies of one kind, whether each was judged rightly.

    Args:
        truth: "null" (three claims, none of them true: right where none is given a verdict that is false), "gain" (a true
            difference, so large that the plan promises its discovery with a probability of 0.8), "no-difference" (the same
            of a margin), "confound" (an arm that is better because it is larger: right where the larger size is named and
            the claim is given no verdict), "cherry-pick" (the best of six seeds reported: right where it is named).
        studies: how many, at least 1.
        rng: of the studies.
        judged_by: "judge", or "naive": one seed, items taken as independent, every claim at 0.05 on its own.

    Raises:
        ValueError: an unknown truth or judge, no study.

    >>> judged_rightly("cherry-pick", studies=3, rng=np.random.default_rng(0)).tolist()
    [True, True, True]
    """
    require_known(truth, tuple(TRUTHS), what="truth")
    require_known(judged_by, JUDGES, what="judged_by")
    if studies < 1:
        raise ValueError(f"studies must be at least 1, got {studies}")
    return np.array([TRUTHS[truth](rng, judged_by) for _ in range(studies)])


def promised_power(truth: str) -> float:
    """The probability that the plan promises for the right verdict on a truth "gain" or "no-difference".

    Raises:
        ValueError: the plan promises nothing of another truth.
    """
    require_known(truth, tuple(_PLANNED), what="truth")
    claim, gain = _PLANNED[truth]()
    (found,) = plan([claim], SPREAD, seeds=SEEDS, items=ITEMS, effect=gain, alpha=ALPHA)
    if found.power is None:
        raise ValueError(f"the plan gives no power for {truth!r}")
    return found.power


@lru_cache
def _detectable(kind: str) -> float:
    """The smallest gain, or margin of arms that do not differ, that the plan promises to find."""
    probe = Claim(
        text="planted", arm="new", baseline="old", kind=kind, margin=0.0 if kind == "superiority" else 1.0
    )
    (found,) = plan([probe], SPREAD, seeds=SEEDS, items=ITEMS, effect=0.0, power=POWER, alpha=ALPHA)
    if found.min_detectable is None:
        raise ValueError("the plan gives no size that can be found")
    return found.min_detectable


def _gain() -> tuple[Claim, float]:
    return Claim(text="new is better", arm="new", baseline="old"), _detectable("superiority")


def _same() -> tuple[Claim, float]:
    margin = _detectable("equivalence")
    return Claim(text="new is as good", arm="new", baseline="old", kind="equivalence", margin=margin), 0.0


_PLANNED: dict[str, Callable[[], tuple[Claim, float]]] = {"gain": _gain, "no-difference": _same}


def _verdicts(claims: list[Claim], study: PairedCube, judged_by: str) -> list[str]:
    if judged_by == "judge":
        return [each.verdict for each in judge(claims, study, control="blind", alpha=ALPHA)]
    found = []
    for claim in claims:
        contrast = arm_contrast(study, claim.arm, claim.baseline)
        first = contrast._replace(scores=contrast.scores[:1], codes=np.arange(ITEMS), n_clusters=ITEMS)
        shown = weigh(claim, first, generalize_to="items", alpha=ALPHA)
        found.append(
            "shown" if shown.p_for < ALPHA else "refuted" if shown.p_against < ALPHA else "inconclusive"
        )
    return found


def _null_is_right(rng: np.random.Generator, judged_by: str) -> bool:
    """Two arms that do not differ, and one whose loss is exactly the margin of the claim that it is equivalent."""
    same, _ = _same()
    claims = [Claim(text=arm, arm=arm, baseline="old") for arm in ("new", "other")]
    edge = Claim(text="edge", arm="edge", baseline="old", kind="equivalence", margin=same.margin)
    study = drawn_study({"new": 0.0, "other": 0.0, "edge": -same.margin, "blind": -1.0}, rng)
    *of_none, of_edge = _verdicts([*claims, edge], study, judged_by)
    return set(of_none) == {"inconclusive"} and of_edge not in ("equivalent", "shown")


def _gain_is_right(rng: np.random.Generator, judged_by: str) -> bool:
    claim, gain = _gain()
    return _verdicts([claim], drawn_study({"new": gain}, rng, blind=-1.0), judged_by)[0] in (
        "supported",
        "shown",
    )


def _same_is_right(rng: np.random.Generator, judged_by: str) -> bool:
    claim, gain = _same()
    return _verdicts([claim], drawn_study({"new": gain}, rng, blind=-1.0), judged_by)[0] in (
        "equivalent",
        "shown",
    )


def _confound_is_right(rng: np.random.Generator, judged_by: str) -> bool:
    """An arm that is better, and larger by 3 to 50 %."""
    claim, gain = _gain()
    study = drawn_study({"new": 3 * gain}, rng, blind=-1.0)
    if judged_by != "judge":
        return _verdicts([claim], study, judged_by)[0] == "inconclusive"
    larger = 1_000_000 * (1 + rng.uniform(0.03, 0.5))
    costs = pl.DataFrame(
        {"arm": ["old", "new"], "connector": ["a", "b"], "parameters": [1_000_000.0, larger]}
    )
    found, _ = confound_report(costs, baseline="old", factors=["connector"])
    mixed = {each.arm for each in found if each.differs}
    (verdict,) = judge([claim], study, control="blind", confounded=mixed, alpha=ALPHA)
    return "new" in mixed and verdict.verdict == "inconclusive"


def _cherry_pick_is_right(rng: np.random.Generator, judged_by: str) -> bool:
    """Six seeds were declared and run; of one arm the best three to five are reported."""
    declared = range(6)
    kept = np.argsort(rng.normal(size=6))[-rng.integers(3, 6) :].tolist()
    rows = [("old", seed) for seed in declared] + [("new", seed) for seed in kept]
    frame = pl.DataFrame(rows, schema=["arm", "seed"], orient="row")
    found = selective_reporting(frame, arms=["old", "new"], seeds=list(declared))
    return judged_by == "judge" and any(each.subject == "new" and each.severity == "error" for each in found)


TRUTHS: dict[str, Right] = {
    "null": _null_is_right,
    "gain": _gain_is_right,
    "no-difference": _same_is_right,
    "confound": _confound_is_right,
    "cherry-pick": _cherry_pick_is_right,
}
