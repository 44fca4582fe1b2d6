"""Do arms rank differently over tasks? Friedman's test, Iman and Davenport's F, Nemenyi's critical difference."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablation_stats._aggregate import finite_scores
from ablation_stats._refuse import require_level
from ablation_stats._result import Tabular
from ablation_stats._student import SMALLEST_P
from ablation_stats._studentized_range import range_quantile, range_upper_tail

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class FriedmanTest(Tabular):
    """Friedman's test of "all arms rank alike".

    Attributes:
        average_ranks: one per arm, 1 is best; ties share their mean rank.
        chi2: statistic, corrected for ties; df: arms - 1; p_value: of it.
        chi2_uncorrected: the same without the correction.
        iman_davenport: F from the uncorrected statistic, as Demšar (2006) has it; iman_davenport_p: its p.
        iman_davenport_ties: F from the corrected statistic (the analysis of variance of the ranks);
            iman_davenport_ties_p: its p. Both agree where no task has a tie.
        df1: arms - 1; df2: (arms - 1)(tasks - 1), of both F.
        n_arms: arms; n_tasks: tasks.
    """

    average_ranks: tuple[float, ...]
    chi2: float
    df: int
    p_value: float
    chi2_uncorrected: float
    iman_davenport: float
    iman_davenport_p: float
    iman_davenport_ties: float
    iman_davenport_ties_p: float
    df1: int
    df2: int
    n_arms: int
    n_tasks: int


def friedman_test(scores: ArrayLike, *, higher_is_better: bool = True) -> FriedmanTest:
    """Friedman's rank test over tasks, with Iman and Davenport's F, which is the less conservative of the two.

    Demšar, JMLR 7 (2006), section 3.2.2. The chi-square is approximate below about 10 tasks and 5 arms.

    Args:
        scores: `[tasks, arms]`, one score each (average the seeds first).
        higher_is_better: False for error rates and losses.

    Raises:
        ValueError: fewer than 3 arms or 2 tasks, or scores that are not finite.

    >>> friedman_test([[0.1, 0.5, 0.9], [0.2, 0.4, 0.3], [0.0, 0.1, 0.3]]).average_ranks
    (3.0, 1.6666666666666667, 1.3333333333333333)
    """
    from scipy.special import chdtrc

    ranks = rank_rows(scores, higher_is_better=higher_is_better)
    tasks, arms = ranks.shape
    if arms < 3 or tasks < 2:
        raise ValueError(
            f"Friedman's test needs at least 3 arms and 2 tasks, got {arms} and {tasks}; compare two with paired_t"
        )
    average = ranks.mean(axis=0)
    plain = 12 * tasks / (arms * (arms + 1)) * float(((average - (arms + 1) / 2) ** 2).sum())
    untied = 1 - _tied(ranks) / (tasks * (arms**3 - arms))
    chi2 = plain / untied if untied > 0 else 0.0
    f_plain, p_plain = _iman_davenport(plain, tasks, arms)
    f_ties, p_ties = _iman_davenport(chi2, tasks, arms)
    return FriedmanTest(
        average_ranks=tuple(average.tolist()),
        chi2=chi2,
        df=arms - 1,
        p_value=max(float(chdtrc(arms - 1, chi2)), SMALLEST_P),
        chi2_uncorrected=plain,
        iman_davenport=f_plain,
        iman_davenport_p=p_plain,
        iman_davenport_ties=f_ties,
        iman_davenport_ties_p=p_ties,
        df1=arms - 1,
        df2=(arms - 1) * (tasks - 1),
        n_arms=arms,
        n_tasks=tasks,
    )


def nemenyi_cd(n_arms: int, n_tasks: int, *, alpha: float = 0.05) -> float:
    """Nemenyi's critical difference: average ranks that differ by at least this much differ at error rate `alpha`.

    q / √2 · √(k (k + 1) / (6 N)), with q the quantile of the studentized range at infinite degrees of freedom.

    Args:
        n_arms: arms ranked, k, at least 2.
        n_tasks: tasks they are ranked on, N, at least 2.
        alpha: family-wise error rate, 0..1.

    Raises:
        ValueError: a number out of range.

    >>> round(nemenyi_cd(4, 14), 4)
    1.2536
    """
    _require_sizes(n_arms, n_tasks)
    require_level(alpha)
    return range_quantile(alpha, n_arms) / math.sqrt(2) * _rank_error(n_arms, n_tasks)


def nemenyi_pvalues(average_ranks: ArrayLike, *, n_tasks: int) -> Array:
    """Nemenyi's p-values `[arms, arms]` of all pairs, adjusted for their number; 1 on the diagonal.

    Args:
        average_ranks: one per arm, as `friedman_test` gives them.
        n_tasks: tasks they are averaged over.

    Raises:
        ValueError: fewer than 2 arms or tasks, or ranks that are not finite.
    """
    ranks = finite_scores(average_ranks, axes=1, what="average_ranks")
    _require_sizes(ranks.size, n_tasks)
    scaled = np.abs(ranks[:, None] - ranks[None, :]) * math.sqrt(2) / _rank_error(ranks.size, n_tasks)
    return np.array([[range_upper_tail(float(q), ranks.size) for q in row] for row in scaled])


def rank_rows(scores: ArrayLike, *, higher_is_better: bool) -> Array:
    """Ranks within each row of `scores [tasks, arms]`, 1 for the best, ties sharing their mean.

    Raises:
        ValueError: not two axes, or scores that are not finite.
    """
    table = finite_scores(scores, axes=2)
    better = (
        table[:, :, None] < table[:, None, :] if higher_is_better else table[:, :, None] > table[:, None, :]
    )
    equal = (table[:, :, None] == table[:, None, :]).sum(axis=2)
    return np.asarray(better.sum(axis=2) + (equal + 1) / 2)


def _tied(ranks: Array) -> float:
    """Sum of t^3 - t over the groups of t tied arms of every task."""
    sizes = (ranks[:, :, None] == ranks[:, None, :]).sum(axis=2)  # each arm of a group of t counts t^2 - 1
    return float((sizes**2 - 1).sum())


def _iman_davenport(chi2: float, tasks: int, arms: int) -> tuple[float, float]:
    """F and its p; where all tasks rank alike F is infinite and p is that of such an agreement by chance."""
    from scipy.special import fdtrc

    left = tasks * (arms - 1) - chi2
    if left <= 1e-9 * chi2:
        return math.inf, max(math.exp(-(tasks - 1) * math.lgamma(arms + 1)), SMALLEST_P)
    f = (tasks - 1) * chi2 / left
    return f, max(float(fdtrc(arms - 1, (arms - 1) * (tasks - 1), f)), SMALLEST_P)


def _rank_error(n_arms: int, n_tasks: int) -> float:
    return math.sqrt(n_arms * (n_arms + 1) / (6 * n_tasks))


def _require_sizes(n_arms: int, n_tasks: int) -> None:
    if n_arms < 2 or n_tasks < 2:
        raise ValueError(f"ranks need at least 2 arms and 2 tasks, got {n_arms} and {n_tasks}")
